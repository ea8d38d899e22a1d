/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fuzz_text *find(struct gate *gate, const char *name)
{
	for (size_t i = 0; i < gate->count; i++)
		if (!strcmp(gate->files[i].name, name))
			return &gate->files[i].text;
	return NULL;
}

const struct fuzz_text *gate_file(const struct gate *gate, const char *name)
{
	for (size_t i = 0; i < gate->count; i++)
		if (!strcmp(gate->files[i].name, name))
			return &gate->files[i].text;
	return NULL;
}

void gate_put(struct gate *gate, const char *name, const void *octets, size_t length)
{
	struct fuzz_text *text = find(gate, name), fresh = fuzz_copy(octets, length);

	if (!text) {
		MUST(gate->count < GATE_FILES);
		snprintf(gate->files[gate->count].name, sizeof(gate->files[0].name), "%s", name);
		text = &gate->files[gate->count++].text;
	}
	fuzz_free(text);
	*text = fresh;
}

static enum isif_error state_read(struct isif_privileged *self, const char *name, char **text,
				  size_t *length)
{
	const struct gate *gate = (const struct gate *)(void *)self;
	const struct fuzz_text *file = gate_file(gate, name);

	if (gate->error || !file)
		return gate->error ? gate->error : ISIF_NOT_FOUND;
	*text = fuzz_copy(file->octets, file->length).octets;
	*length = file->length;
	return ISIF_OK;
}

static enum isif_error state_write(struct isif_privileged *self, const char *name, const char *text,
				   size_t length)
{
	struct gate *gate = (struct gate *)(void *)self;

	if (!gate->error)
		gate_put(gate, name, text, length);
	return gate->error;
}

static enum isif_error state_append(struct isif_privileged *self, const char *name,
				    const char *text, size_t length, bool sync)
{
	struct fuzz_text *file = find((struct gate *)(void *)self, name);

	(void)sync;
	if (!file || ((struct gate *)(void *)self)->error)
		return state_write(self, name, text, length);
	file->octets = realloc(file->octets, file->length + length + 1);
	MUST(file->octets);
	if (length)
		memcpy(file->octets + file->length, text, length);
	file->length += length;
	file->octets[file->length] = '\0';
	return ISIF_OK;
}

static const struct isif_privileged_operations operations = {
	.state_read = state_read,
	.state_write = state_write,
	.state_append = state_append,
};

struct gate gate_new(void)
{
	return (struct gate){ .gate = { .operations = &operations } };
}

void gate_clear(struct gate *gate)
{
	for (size_t i = 0; i < gate->count; i++)
		fuzz_free(&gate->files[i].text);
	gate->count = 0;
}
