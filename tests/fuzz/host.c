/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this host says of disks and their users. An input has up to four parts: lines of mountinfo
 * or of swaps, uevents as "ACTION SUBSYSTEM PATH", multipathd's answer to the question for paths,
 * and octets that come from its socket in the place of an answer.
 */
#include "fuzz.h"

#include "kernel_event.h"
#include "mount_table.h"
#include "multipathd.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* --- mountinfo and swaps --- */

static bool is_within(const char *text, const char *line, size_t length)
{
	return text >= line && text + strlen(text) <= line + length;
}

static enum isif_error take_mount(void *context, char *line)
{
	size_t *lines = context, length = strlen(line);
	struct fuzz_text copy = fuzz_copy(line, length);
	struct swap_line swap;
	struct mount_line mount;

	if (swap_line_parse(copy.octets, &swap))
		MUST(is_within(swap.path, copy.octets, length));
	if (mount_line_parse(line, &mount)) {
		MUST(*mount.where && is_within(mount.where, line, length));
		MUST(is_within(mount.type, line, length));
		MUST(is_within(mount.source, line, length));
		MUST(is_within(mount.options, line, length));
	}
	fuzz_free(&copy);
	(*lines)++;
	return ISIF_OK;
}

static size_t count_lines(const struct fuzz_text *text)
{
	size_t count = text->length && text->octets[text->length - 1] != '\n';

	for (size_t i = 0; i < text->length; i++)
		count += text->octets[i] == '\n';
	return count;
}

/* A file that is read piece by piece; the kernel writes no NUL into it. */
static void check_mounts(const struct fuzz_text *text)
{
	struct line_reader reader = { .descriptor = memfd_create("fuzz", MFD_CLOEXEC) };
	size_t lines = 0;
	enum isif_error error;

	MUST(reader.descriptor >= 0);
	MUST(write(reader.descriptor, text->octets, text->length) == (ssize_t)text->length);
	line_reader_rewind(&reader);
	while ((error = line_reader_step(&reader, take_mount, &lines)) == ISIF_INCOMPLETE)
		continue;
	MUST(error == ISIF_OK);
	if (!memchr(text->octets, '\0', text->length))
		MUST(lines == count_lines(text));
	line_reader_clear(&reader);
}

/* --- uevents --- */

static void check_uevents(const struct fuzz_text *text)
{
	char *rest = text->octets, *line;

	while ((line = strsep(&rest, "\n"))) {
		const char *action = strsep(&line, " ");
		const char *subsystem = line ? strsep(&line, " ") : "";
		const struct uevent uevent = { action, subsystem, line ? line : "" };
		struct isif_kernel_event event;

		if (uevent_parse(&uevent, &event))
			MUST(event.kind <= ISIF_EVENT_DISK);
	}
}

/* --- multipathd --- */

static int listener = -1;
static char listener_name[32];

/* In this process: it is asked, answers, and is heard. */
static void listen_once(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length;

	if (listener >= 0)
		return;
	snprintf(listener_name, sizeof(listener_name), "isif-fuzz-%d", (int)getpid());
	length = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(listener_name);
	memcpy(address.sun_path + 1, listener_name, strlen(listener_name));
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	MUST(listener >= 0);
	MUST(!bind(listener, (struct sockaddr *)&address, (socklen_t)length));
	MUST(!listen(listener, 4));
}

/* Its answer comes in two pieces; so much is known when it has come. */
static struct multipathd *ask(const char *answer, size_t length, enum isif_error *known)
{
	size_t half = length / 2;
	struct multipathd *multipathd;
	char question[256];
	int peer;

	listen_once();
	MUST(multipathd_ask(listener_name, &multipathd) == ISIF_OK);
	peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	MUST(peer >= 0 && read(peer, question, sizeof(question)) > 0);
	MUST(multipathd_work(multipathd) == ISIF_INCOMPLETE);
	MUST(send(peer, answer, half, MSG_NOSIGNAL) == (ssize_t)half);
	*known = multipathd_work(multipathd);
	MUST(send(peer, answer + half, length - half, MSG_NOSIGNAL) == (ssize_t)(length - half));
	close(peer);
	if (*known == ISIF_INCOMPLETE)
		*known = multipathd_work(multipathd);
	return multipathd;
}

/* The next word of a line, with a blank, a newline or nothing behind it. */
static bool take_word(const char **at, const char *word)
{
	size_t length = strcspn(*at += strspn(*at, " "), " \n");
	bool same = length == strlen(word) && !memcmp(*at, word, length);

	*at += length;
	return same;
}

static bool is_alive(const char *text, const char *device)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		const char *at = line += *line == '\n';

		if (take_word(&at, device) && take_word(&at, "active") && take_word(&at, "ready"))
			return true;
	}
	return false;
}

static void check_answer(const struct fuzz_text *text)
{
	static const char *const devices[] = { "sda", "sdb", "sd" };
	size_t length = text->length;
	struct fuzz_text message = fuzz_copy(&length, sizeof(length));
	struct multipathd *multipathd;
	enum isif_error known;

	message.octets = realloc(message.octets, sizeof(length) + length + 1);
	MUST(message.octets);
	memcpy(message.octets + sizeof(length), text->octets, length + 1);
	multipathd = ask(message.octets, sizeof(length) + length, &known);
	MUST(known == (length ? ISIF_OK : ISIF_INVALID));
	for (size_t i = 0; length && i < sizeof(devices) / sizeof(*devices); i++)
		MUST(multipathd_path_is_alive(multipathd, devices[i]) ==
		     is_alive(text->octets, devices[i]));
	multipathd_close(multipathd);
	fuzz_free(&message);
}

static void check_octets(const char *octets, size_t length)
{
	enum isif_error known;
	struct multipathd *multipathd = ask(octets, length, &known);

	MUST(known == ISIF_OK || known == ISIF_INVALID || known == ISIF_IO);
	if (!known)
		multipathd_path_is_alive(multipathd, "sda");
	multipathd_close(multipathd);
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length)
{
	struct fuzz_input input = { (const char *)octets, (const char *)octets + length };
	struct fuzz_text mounts = fuzz_take_part(&input), uevents = fuzz_take_part(&input);
	struct fuzz_text answer = fuzz_take_part(&input);

	check_mounts(&mounts);
	check_uevents(&uevents);
	check_answer(&answer);
	if (input.at < input.end)
		check_octets(input.at, (size_t)(input.end - input.at));
	fuzz_free(&mounts);
	fuzz_free(&uevents);
	fuzz_free(&answer);
	return 0;
}
