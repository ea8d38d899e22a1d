/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mount_table.h"

#include "kernel_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define FILE_LIMIT (16 << 20) /* octets: some 100,000 mounts */
#define FIRST_SIZE 16384

/* The kernel writes blanks, newlines and backslashes in octal (fs/seq_file.c, mangle_path). */
static void unescape(char *text)
{
	char *out = text;

	for (const char *in = text; *in; in++) {
		if (in[0] == '\\' && in[1] >= '0' && in[1] <= '3' && in[2] >= '0' && in[2] <= '7' &&
		    in[3] >= '0' && in[3] <= '7') {
			int octet = (in[1] - '0') << 6 | (in[2] - '0') << 3 | (in[3] - '0');

			*out++ = (char)(octet < ' ' ? '?' : octet);
			in += 3;
		} else {
			*out++ = *in;
		}
	}
	*out = '\0';
}

/* The next word of a line, "" if there is none; *line goes behind it. */
static char *take_word(char **line)
{
	char *word = *line + strspn(*line, " \t");
	char *end = word + strcspn(word, " \t");

	*line = *end ? end + 1 : end;
	*end = '\0';
	return word;
}

static bool parse_number(char *text, dev_t *number)
{
	char *colon = strchr(text, ':');
	uint64_t numbers[2];

	if (!colon)
		return false;
	*colon = '\0';
	if (!text_number(text, UINT32_MAX, &numbers[0]) ||
	    !text_number(colon + 1, UINT32_MAX, &numbers[1]))
		return false;
	*number = makedev((unsigned)numbers[0], (unsigned)numbers[1]);
	return true;
}

/* "36 35 8:17 / /mnt rw,noatime shared:1 - ext4 /dev/sdb1 rw": before "-" are any number of tags.
 */
bool mount_line_parse(char *line, struct mount_line *mount)
{
	char *where, *source, *options, *word;

	take_word(&line);
	take_word(&line);
	if (!parse_number(take_word(&line), &mount->number))
		return false;
	take_word(&line);
	where = take_word(&line);
	if (!*where)
		return false;
	do
		word = take_word(&line);
	while (*word && strcmp(word, "-") != 0);
	mount->type = take_word(&line);
	source = take_word(&line);
	options = take_word(&line);
	unescape(where);
	unescape(source);
	unescape(options);
	mount->where = where;
	mount->source = source;
	mount->options = options;
	return true;
}

/* "/dev/sdb2   partition   1048572   0   -2", below a line of headings. */
bool swap_line_parse(char *line, struct swap_line *swap)
{
	char *path = take_word(&line);
	const char *type = take_word(&line);

	unescape(path);
	*swap = (struct swap_line){ path, !strcmp(type, "file") };
	return swap->is_file || !strcmp(type, "partition");
}

void line_reader_clear(struct line_reader *reader)
{
	if (reader->descriptor >= 0)
		close(reader->descriptor);
	free(reader->bytes);
	*reader = (struct line_reader){ .descriptor = -1 };
}

void line_reader_rewind(struct line_reader *reader)
{
	/* The positions of files in /proc, and of ordinary ones, can be set. */
	(void)lseek(reader->descriptor, 0, SEEK_SET);
	reader->used = reader->total = 0;
}

static enum isif_error make_room(struct line_reader *reader)
{
	size_t size = reader->size ? reader->size * 2 : FIRST_SIZE;
	char *bytes;

	if (reader->size - reader->used >= 2)
		return ISIF_OK;
	bytes = realloc(reader->bytes, size);
	if (!bytes)
		return ISIF_NO_MEMORY;
	reader->bytes = bytes;
	reader->size = size;
	return ISIF_OK;
}

/* Hands over the lines that are whole (at the end of the file, the last one is), keeps the rest. */
static enum isif_error take_lines(struct line_reader *reader, bool at_end,
				  enum isif_error (*add)(void *context, char *line), void *context)
{
	char *line = reader->bytes, *end;
	enum isif_error error = ISIF_OK;

	reader->bytes[reader->used] = '\0';
	while (!error && *line) {
		end = line + strcspn(line, "\n");
		if (!*end && !at_end)
			break;
		if (*end)
			*end++ = '\0';
		error = add(context, line);
		line = end;
	}
	reader->used = strlen(line);
	memmove(reader->bytes, line, reader->used);
	return error;
}

enum isif_error line_reader_step(struct line_reader *reader,
				 enum isif_error (*add)(void *context, char *line), void *context)
{
	enum isif_error error = make_room(reader);
	ssize_t length;

	if (error)
		return error;
	do
		length = read(reader->descriptor, reader->bytes + reader->used,
			      reader->size - reader->used - 1);
	while (length < 0 && errno == EINTR);
	if (length < 0)
		return isif_error_from_errno(errno);
	reader->used += (size_t)length;
	reader->total += (size_t)length;
	error = take_lines(reader, !length, add, context);
	if (!error && length)
		error = reader->total < FILE_LIMIT ? ISIF_INCOMPLETE : ISIF_TOO_LONG;
	return error;
}
