/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "records.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

struct records records;

static void read_directories(struct isif_privileged *self, struct isif_directory_reading *readings,
			     size_t count, const struct isif_directory_visitor *visitor)
{
	(void)self;
	for (size_t i = 0; records.refuse_watches && i < count; i++)
		readings[i].flags &= ~(unsigned)ISIF_READ_WATCH;
	records.real->operations->read_directories(records.real, readings, count, visitor);
}

static enum isif_error read_record(struct isif_privileged *self, const char *path,
				   const char **text, size_t *length)
{
	(void)self;
	return records.real->operations->read_record(records.real, path, text, length);
}

static int change_descriptor(const struct isif_privileged *self)
{
	(void)self;
	return records.real->operations->change_descriptor(records.real);
}

static bool next_change(struct isif_privileged *self, struct isif_change *change)
{
	(void)self;
	if (records.overflow) {
		records.overflow = false;
		*change = (struct isif_change){ .watch = -1, .overflow = true };
		return true;
	}
	return records.real->operations->next_change(records.real, change);
}

static const struct isif_privileged_operations operations = {
	.read_directories = read_directories,
	.read_record = read_record,
	.change_descriptor = change_descriptor,
	.next_change = next_change,
};

void records_open(void)
{
	scratch_make();
	put_directory("ifaces");
	put_directory("nodes");
	records = (struct records){ .gate = { &operations, NULL }, .names = isif_names_new() };
	records.log = log_into(&records.lines);
}

void records_close(void)
{
	isif_database_close(records.database);
	isif_privileged_close(records.real);
	isif_names_free(records.names);
	scratch_remove();
}

void open_database(void)
{
	CU_ASSERT_EQUAL_FATAL(open_gate(scratch("."), &records.real), ISIF_OK);
	CU_ASSERT_EQUAL_FATAL(
		isif_database_open(&records.gate, records.names, &records.log, &records.database),
		ISIF_OK);
}

bool work(void)
{
	bool more = true, changed = false;

	for (int step = 0; more && step < 4; step++)
		changed |= isif_database_work(records.database, UINT64_MAX, &more);
	CU_ASSERT_FALSE(more);
	return changed;
}

void load(void)
{
	open_database();
	work();
}

bool take_changes(void)
{
	struct pollfd one = { .fd = change_descriptor(NULL), .events = POLLIN };

	if (poll(&one, 1, 0) <= 0)
		return false;
	isif_database_changes(records.database, 0);
	return work();
}

struct listing {
	char text[1024];
};

static void list_iface(void *context, struct isif_iface_record *iface, const char *file)
{
	struct listing *listing = context;
	const char *mtu = isif_record_value(iface->record, "iface.mtu");
	size_t used = strlen(listing->text);

	snprintf(listing->text + used, sizeof(listing->text) - used, "%s%s:%s=%s", used ? " " : "",
		 file, iface->name->text, mtu ? mtu : "-");
}

static void list_node(void *context, struct isif_node *node)
{
	struct listing *listing = context;
	size_t used = strlen(listing->text);

	snprintf(listing->text + used, sizeof(listing->text) - used, "%s%s/%s,%u/%s",
		 used ? " " : "", node->target->text, node->address->text, node->port,
		 node->iface->text);
}

bool has_ifaces(const char *expected)
{
	struct listing listing = { "" };

	isif_database_each_iface(records.database, list_iface, &listing);
	if (!strcmp(listing.text, expected))
		return true;
	printf("# the ifaces are '%s', not '%s'\n", listing.text, expected);
	return false;
}

bool has_nodes(const char *expected)
{
	struct listing listing = { "" };

	isif_database_each_node(records.database, list_node, &listing);
	if (!strcmp(listing.text, expected))
		return true;
	printf("# the nodes are '%s', not '%s'\n", listing.text, expected);
	return false;
}

struct isif_database_counts counts(void)
{
	struct isif_database_counts result;

	isif_database_counts(records.database, &result);
	return result;
}
