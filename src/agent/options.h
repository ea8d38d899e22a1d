/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IFACED_OPTIONS_H
#define IFACED_OPTIONS_H

#include <stdbool.h>

/* The command line of iscsi-ifaced(8). Texts are NULL where nothing was given. */
struct options {
	bool foreground;
	bool no_default_configuration;
	bool show_tokens; /* -H */
	bool logging_given;
	const char *master;
	const char *configuration;
	const char *record_directory;
	const char *sysfs;
	const char *initiatorname_file;
	const char *state_directory; /* never NULL */
	const char *lock_directory;
	const char *iscsiadm;
	const char *pid_file;
	const char *user;
	const char *gate; /* -g: where the privileged process listens */
	bool is_gate;	  /* -G: this is that process */
};

/* What the command line asks for. */
enum options_outcome { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_WRONG };

enum options_outcome options_parse(struct options *options, int argc, char **argv);

#endif
