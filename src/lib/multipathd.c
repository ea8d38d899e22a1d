/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "multipathd.h"

#include "cleanup.h"
#include "kernel_text.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_LIMIT (4 << 20) /* octets: some 50,000 paths */

/* The device, what device-mapper uses it for, what the checker found. */
#define QUESTION "show paths format \"%d %t %T\""

struct multipathd {
	int descriptor;
	size_t got; /* of the length, then of the text */
	bool has_length;
	size_t length;
	char *text;
};

/* Anybody can listen on an abstract name while multipathd does not run: only root is believed. */
static bool is_trusted(int descriptor)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return !getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) &&
	       (!peer.uid || peer.uid == geteuid());
}

static enum isif_error connect_to(int descriptor, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = strlen(name);

	if (length + 1 > sizeof(address.sun_path))
		return ISIF_TOO_LONG;
	memcpy(address.sun_path + 1, name, length);
	length += offsetof(struct sockaddr_un, sun_path) + 1;
	if (connect(descriptor, (struct sockaddr *)&address, (socklen_t)length))
		return errno == ECONNREFUSED ? ISIF_NOT_FOUND : isif_error_from_errno(errno);
	return is_trusted(descriptor) ? ISIF_OK : ISIF_NOT_FOUND;
}

static enum isif_error send_question(int descriptor)
{
	char message[sizeof(size_t) + sizeof(QUESTION)];
	size_t length = sizeof(QUESTION);

	memcpy(message, &length, sizeof(length));
	memcpy(message + sizeof(length), QUESTION, sizeof(QUESTION));
	if (send(descriptor, message, sizeof(message), MSG_NOSIGNAL) != (ssize_t)sizeof(message))
		return ISIF_IO;
	return ISIF_OK;
}

enum isif_error multipathd_ask(const char *socket_name, struct multipathd **result)
{
	int CLEANUP_CLOSE descriptor =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct multipathd *multipathd;
	enum isif_error error;

	if (descriptor < 0)
		return isif_error_from_errno(errno);
	error = connect_to(descriptor, socket_name);
	if (!error)
		error = send_question(descriptor);
	if (error)
		return error;
	multipathd = calloc(1, sizeof(*multipathd));
	if (!multipathd)
		return ISIF_NO_MEMORY;
	multipathd->descriptor = TAKE_DESCRIPTOR(descriptor);
	*result = multipathd;
	return ISIF_OK;
}

void multipathd_close(struct multipathd *multipathd)
{
	if (!multipathd)
		return;
	close(multipathd->descriptor);
	free(multipathd->text);
	free(multipathd);
}

/* ISIF_OK when all octets of a piece are there. */
static enum isif_error receive(struct multipathd *multipathd, void *piece, size_t size)
{
	while (multipathd->got < size) {
		ssize_t got = recv(multipathd->descriptor, (char *)piece + multipathd->got,
				   size - multipathd->got, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return ISIF_INCOMPLETE;
		if (got <= 0)
			return ISIF_IO;
		multipathd->got += (size_t)got;
	}
	return ISIF_OK;
}

enum isif_error multipathd_work(struct multipathd *multipathd)
{
	enum isif_error error;

	if (!multipathd->has_length) {
		error = receive(multipathd, &multipathd->length, sizeof(multipathd->length));
		if (error)
			return error;
		if (!multipathd->length || multipathd->length > ANSWER_LIMIT)
			return ISIF_INVALID;
		multipathd->text = calloc(1, multipathd->length + 1);
		if (!multipathd->text)
			return ISIF_NO_MEMORY;
		multipathd->has_length = true;
		multipathd->got = 0;
	}
	return receive(multipathd, multipathd->text, multipathd->length);
}

/*
 * "sdb active ready   " below a line of headings, in columns. A ghost is no active path: it is the
 * standby controller of an array, which answers but has no data.
 */
bool multipathd_path_is_alive(const struct multipathd *multipathd, const char *device)
{
	static const char *const alive[] = { "active", "ready" };
	size_t matched;

	for (const char *line = multipathd->text; *line; line += *line == '\n') {
		const char *end = line + strcspn(line, "\n");

		line += strspn(line, " ");
		for (matched = 0; matched < 3; matched++) {
			const char *rest = text_after(line, matched ? alive[matched - 1] : device);

			if (!rest || !strchr(" \n", *rest))
				break;
			line = rest + strspn(rest, " ");
		}
		if (matched == 3)
			return true;
		line = end;
	}
	return false;
}
