/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command.h"

#include <stdio.h>
#include <string.h>

#define MESSAGE "iscsiadm: " /* so begins what it has to say; all else are its results */

/* By code, include/iscsi_err.h. Some that iscsiadm gives mean more than their name there says. */
static const char *const texts[] = {
	[0] = "it says that all went well",
	[1] = "an error that it does not name",
	[2] = "there is no such session",
	[3] = "no memory, or it cannot read the iface's record",
	[4] = "no connection to the portal",
	[5] = "the login failed",
	[6] = "the record database cannot be used (locked, unreadable, or not root)",
	[7] = "an argument or a setting is not valid",
	[8] = "the connection was not made in time",
	[9] = "an internal error, or the session is in no state for that",
	[10] = "the logout failed",
	[11] = "the target did not answer in time",
	[12] = "the kernel has no such transport",
	[13] = "access denied",
	[14] = "the transport cannot do that",
	[15] = "there is a session already",
	[16] = "iscsid does not know the request (is it of another version?)",
	[17] = "the iSNS server cannot be used",
	[18] = "talking to iscsid failed",
	[19] = "the target refused the login for good",
	[20] = "iscsid cannot be reached",
	[21] = "there is no such record or session",
	[22] = "sysfs does not show it",
	[23] = "there is no such host adapter",
	[24] = "the target does not let this initiator in (CHAP or initiator name)",
	[25] = "the iSNS query failed",
	[26] = "the iSNS registration failed",
	[27] = "not supported",
	[28] = "a device of the session is in use",
	[29] = "iscsid is busy",
	[30] = "an unknown kind of discovery",
	[31] = "a child process of it ended early",
	[32] = "the session is not connected",
	[33] = "the request took too long",
};

const char *command_code_text(int code)
{
	if (code < 0)
		return "it was killed";
	if ((size_t)code < sizeof(texts) / sizeof(*texts))
		return texts[code];
	return "an unknown error";
}

/* Names and values of settings: a record with CHAP in it may be quoted. */
static bool has_secret(const char *line, size_t length)
{
	char lower[256];

	/* A line that does not fit is not shown: nobody can tell what stands at its end. */
	if (length >= sizeof(lower))
		return true;
	for (size_t i = 0; i < length; i++)
		lower[i] = (char)(line[i] >= 'A' && line[i] <= 'Z' ? line[i] + 'a' - 'A' : line[i]);
	return memmem(lower, length, "password", strlen("password")) ||
	       memmem(lower, length, "username", strlen("username"));
}

/* One more piece of a text, after a separator; what does not fit is cut. */
static void append(char *text, size_t size, const char *piece, size_t length)
{
	size_t used = strlen(text);

	snprintf(text + used, size - used, "%s%.*s", used ? "; " : "", (int)length, piece);
	for (char *c = text + used; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

void command_said(const struct isif_command_outcome *outcome, char *text, size_t size)
{
	const char *at = outcome->output, *end = at + outcome->length;

	*text = '\0';
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t length = (size_t)((newline ? newline : end) - at);

		if (length > strlen(MESSAGE) && !memcmp(at, MESSAGE, strlen(MESSAGE)) &&
		    !has_secret(at, length))
			append(text, size, at + strlen(MESSAGE), length - strlen(MESSAGE));
		at += length + (newline != NULL);
	}
}
