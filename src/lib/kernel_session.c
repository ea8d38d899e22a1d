/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel_disk.h"
#include "kernel_sysfs.h"
#include "kernel_text.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The objects whose attributes make a row. */
enum place {
	OF_SESSION,
	OF_CONNECTION,
	OF_HOST,
	PLACES,
	COMPUTED = PLACES, /* no attribute of its own */
};

#define TEXT(member, place, attribute)                                                             \
	{                                                                                          \
		offsetof(struct isif_kernel_session, member), place, attribute                     \
	}

/*
 * The texts of a session. NEVER add username*, password* or chap_* (the class shows them in
 * clear), nor handle: what is not named in this file is not read.
 */
static const struct session_text {
	size_t member;
	enum place place;
	const char *attribute;
} session_texts[] = {
	TEXT(target, OF_SESSION, "targetname"),
	TEXT(iface, OF_SESSION, "ifacename"),
	TEXT(initiator, OF_SESSION, "initiatorname"),
	TEXT(persistent_address, OF_CONNECTION, "persistent_address"),
	TEXT(address, OF_CONNECTION, "address"),
	TEXT(connection_state, OF_CONNECTION, "state"),
	TEXT(local_address, OF_HOST, "ipaddress"),
	TEXT(netdev, OF_HOST, "netdev"),
	TEXT(hwaddress, OF_HOST, "hwaddress"),
	TEXT(transport, COMPUTED, NULL),
};

#define READ_TRIES 3

#define TEXTS (sizeof(session_texts) / sizeof(session_texts[0]))

/* A session that is being read. */
struct draft {
	struct isif_kernel_session session;
	struct sysfs_directory places[PLACES];
	struct sysfs_directory device; /* .../hostN/sessionS */
	struct disk_list disks;
	struct text_pool text;
	size_t offsets[TEXTS];
	enum isif_error error; /* the first one */
	char value[SYSFS_VALUE_SIZE];
};

static void draft_clear(struct draft *draft)
{
	for (int i = 0; i < PLACES; i++)
		sysfs_directory_close(&draft->places[i]);
	sysfs_directory_close(&draft->device);
	disk_list_clear(&draft->disks);
	text_pool_clear(&draft->text);
}

/* An object that is missing is no error: its attributes are then "". */
static void open_place(struct isif_sysfs *sysfs, struct draft *draft, enum place place,
		       const char *class, const char *name)
{
	enum isif_error error =
		sysfs_open(sysfs, &draft->places[place], "class/%s/%s", class, name);

	if (error && error != ISIF_NOT_FOUND && !draft->error)
		draft->error = error;
}

/* The lowest cid among the names "connectionS:C" of a directory. */
static bool find_connection(struct draft *draft, const struct sysfs_directory *directory,
			    const char *prefix, uint64_t *lowest)
{
	struct sysfs_listing CLEANUP_LISTING listing = { 0 };
	enum isif_error error = sysfs_list(directory, &listing);
	const char *name, *number;
	bool found = false;
	uint64_t cid;

	while (!error && (name = sysfs_listing_next(&listing))) {
		number = text_after(name, prefix);
		if (number && text_number(number, UINT32_MAX, &cid) && (!found || cid < *lowest)) {
			*lowest = cid;
			found = true;
		}
	}
	if (error && error != ISIF_NOT_FOUND && !draft->error)
		draft->error = error;
	return found;
}

/* iscsid makes one connection a session, 0; others are looked for only if that is missing. */
static void open_connection(struct isif_sysfs *sysfs, struct draft *draft)
{
	struct sysfs_directory CLEANUP_DIRECTORY class = SYSFS_NO_DIRECTORY;
	char prefix[32], name[64];
	uint64_t cid = 0;
	bool found;

	snprintf(prefix, sizeof(prefix), "connection%u:", draft->session.sid);
	snprintf(name, sizeof(name), "%s0", prefix);
	open_place(sysfs, draft, OF_CONNECTION, "iscsi_connection", name);
	if (draft->error || draft->places[OF_CONNECTION].descriptor >= 0)
		return;
	found = find_connection(draft, &draft->device, prefix, &cid);
	/* A tree of one's own may have no more than the class directories. */
	if (!found && !sysfs->udev && !sysfs_open(sysfs, &class, "class/iscsi_connection"))
		found = find_connection(draft, &class, prefix, &cid);
	snprintf(name, sizeof(name), "%s%u", prefix, (unsigned)cid);
	if (found)
		open_place(sysfs, draft, OF_CONNECTION, "iscsi_connection", name);
}

static void open_places(struct isif_sysfs *sysfs, struct draft *draft)
{
	struct isif_kernel_session *session = &draft->session;
	char name[32];

	draft->error = sysfs_open(sysfs, &draft->places[OF_SESSION],
				  "class/iscsi_session/session%u", session->sid);
	if (!draft->error)
		draft->error = sysfs_open_device(sysfs, &draft->places[OF_SESSION], &draft->device);
	if (draft->error)
		return;
	session->host = SYSFS_NO_HOST;
	if (!sysfs_path_number(draft->places[OF_SESSION].path, "host", &session->host))
		sysfs_path_number(draft->device.path, "host", &session->host);
	snprintf(name, sizeof(name), "host%u", session->host);
	if (session->host != SYSFS_NO_HOST)
		open_place(sysfs, draft, OF_HOST, "iscsi_host", name);
	open_connection(sysfs, draft);
}

static const char *attribute(struct draft *draft, enum place place, const char *name)
{
	enum isif_error error =
		sysfs_read(&draft->places[place], name, draft->value, sizeof(draft->value));

	if (error && !draft->error)
		draft->error = error;
	return draft->value;
}

static uint16_t read_port(struct draft *draft, const char *name)
{
	uint64_t number = 0;

	text_number(attribute(draft, OF_CONNECTION, name), UINT16_MAX, &number);
	return (uint16_t)number;
}

/* iscsi_tcp writes 1 or 0, some offload drivers write words. */
static bool read_digest(struct draft *draft, const char *name)
{
	const char *value = attribute(draft, OF_CONNECTION, name);

	return !strcmp(value, "1") || !strncasecmp(value, "CRC32C", 6) ||
	       !strcasecmp(value, "enable") || !strcasecmp(value, "yes") ||
	       !strcasecmp(value, "true");
}

static enum isif_session_state read_state(struct draft *draft)
{
	const char *value = attribute(draft, OF_SESSION, "state");

	if (!strcmp(value, "LOGGED_IN"))
		return ISIF_SESSION_LOGGED_IN;
	if (!strcmp(value, "FAILED"))
		return ISIF_SESSION_FAILED;
	return strcmp(value, "FREE") ? ISIF_SESSION_UNKNOWN : ISIF_SESSION_FREE;
}

static int32_t read_tpgt(struct draft *draft)
{
	uint64_t number;

	if (!text_number(attribute(draft, OF_SESSION, "tpgt"), UINT16_MAX, &number))
		return -1;
	return (int32_t)number;
}

/* "off" for -1 (show_session_param_int); older kernels write the number. */
static uint32_t read_recovery(struct draft *draft)
{
	const char *value = attribute(draft, OF_SESSION, "recovery_tmo");
	uint64_t number = 0;

	if (!strcmp(value, "off") || *value == '-')
		return ISIF_RECOVERY_NEVER;
	text_number(value, UINT32_MAX - 1, &number);
	return (uint32_t)number;
}

static void read_values(struct draft *draft)
{
	struct isif_kernel_session *session = &draft->session;
	const char *value;

	session->state = read_state(draft);
	session->tpgt = read_tpgt(draft);
	session->recovery_timeout = read_recovery(draft);
	value = attribute(draft, OF_SESSION, "target_state");
	session->unbinding = !strcmp(value, "UNBINDING");
	session->header_digest = read_digest(draft, "header_digest");
	session->data_digest = read_digest(draft, "data_digest");
	session->persistent_port = read_port(draft, "persistent_port");
	session->port = read_port(draft, "port");
	session->local_port = read_port(draft, "local_port");
	/* In older kernels a connection has no state: then the session's says all there is. */
	value = attribute(draft, OF_CONNECTION, "state");
	session->connection_up =
		*value ? !strcmp(value, "up") : session->state == ISIF_SESSION_LOGGED_IN;
}

static void read_texts(struct isif_sysfs *sysfs, struct draft *draft)
{
	for (size_t i = 0; i < TEXTS && !draft->error; i++) {
		const struct session_text *text = &session_texts[i];

		if (text->place == COMPUTED)
			draft->error = sysfs_transport(sysfs, draft->session.host, draft->value,
						       sizeof(draft->value));
		else
			attribute(draft, text->place, text->attribute);
		if (!draft->error)
			draft->error = text_pool_add(&draft->text, draft->value, SIZE_MAX,
						     &draft->offsets[i]);
	}
}

static const char *text_of(const struct isif_kernel_session *session, size_t member)
{
	const char *text;

	memcpy(&text, (const char *)session + member, sizeof(text));
	return text;
}

/* One piece of memory: the session, its disks, its texts. */
static enum isif_error finish(const struct draft *draft, struct isif_kernel_session **session)
{
	size_t disks = draft->disks.count * sizeof(struct isif_disk);
	struct isif_kernel_session *made = malloc(sizeof(*made) + disks + draft->text.used);
	char *text;

	if (!made)
		return ISIF_NO_MEMORY;
	*made = draft->session;
	made->references = 1;
	made->disk_count = draft->disks.count;
	made->disks = (struct isif_disk *)(made + 1);
	if (disks)
		memcpy(made->disks, draft->disks.disks, disks);
	text = (char *)(made->disks + made->disk_count);
	memcpy(text, draft->text.bytes, draft->text.used);
	for (size_t i = 0; i < TEXTS; i++) {
		const char *pointer = text + draft->offsets[i];

		memcpy((char *)made + session_texts[i].member, &pointer, sizeof(pointer));
	}
	*session = made;
	return ISIF_OK;
}

/*
 * Destroyed meanwhile? Then half of what was read is empty. Has its state changed? Then what was
 * read before and after do not belong together, such as FREE and a peer's address.
 */
static enum isif_error check_draft(struct isif_sysfs *sysfs, struct draft *draft, bool *changed)
{
	enum isif_error error = sysfs_open(sysfs, &draft->places[OF_SESSION],
					   "class/iscsi_session/session%u", draft->session.sid);

	*changed = !error && read_state(draft) != draft->session.state;
	return error ? error : draft->error;
}

static enum isif_error read_once(struct isif_sysfs *sysfs, uint32_t sid, bool *changed,
				 struct isif_kernel_session **session)
{
	struct draft CLEANUP(draft_clear) draft = {
		.session.sid = sid,
		.places = { SYSFS_NO_DIRECTORY, SYSFS_NO_DIRECTORY, SYSFS_NO_DIRECTORY },
		.device = SYSFS_NO_DIRECTORY,
	};

	open_places(sysfs, &draft);
	if (!draft.error)
		read_values(&draft);
	if (!draft.error)
		read_texts(sysfs, &draft);
	if (!draft.error)
		draft.error = disks_read(sysfs, &draft.device, sid, &draft.disks);
	if (!draft.error)
		draft.error = check_draft(sysfs, &draft, changed);
	return draft.error ? draft.error : finish(&draft, session);
}

enum isif_error isif_kernel_session_read(struct isif_sysfs *sysfs, uint32_t sid,
					 struct isif_kernel_session **session)
{
	enum isif_error error = ISIF_OK;
	bool changed = true;

	*session = NULL;
	for (int try = 0; !error && changed && try < READ_TRIES; try++) {
		isif_kernel_session_release(*session);
		*session = NULL;
		error = read_once(sysfs, sid, &changed, session);
	}
	return error;
}

struct isif_kernel_session *isif_kernel_session_hold(struct isif_kernel_session *session)
{
	session->references++;
	return session;
}

void isif_kernel_session_release(struct isif_kernel_session *session)
{
	if (session && !--session->references)
		free(session);
}

static bool disks_equal(const struct isif_disk *a, const struct isif_disk *b)
{
	return a->lun == b->lun && a->size == b->size && a->use == b->use &&
	       !strcmp(a->device, b->device) && !strcmp(a->state, b->state) &&
	       !strcmp(a->wwid, b->wwid) && !strcmp(a->map, b->map) && !strcmp(a->user, b->user);
}

bool isif_kernel_session_equal(const struct isif_kernel_session *a,
			       const struct isif_kernel_session *b)
{
	if (a->sid != b->sid || a->host != b->host || a->tpgt != b->tpgt || a->state != b->state ||
	    a->connection_up != b->connection_up || a->unbinding != b->unbinding ||
	    a->header_digest != b->header_digest || a->data_digest != b->data_digest ||
	    a->persistent_port != b->persistent_port || a->port != b->port ||
	    a->local_port != b->local_port || a->recovery_timeout != b->recovery_timeout ||
	    a->disk_count != b->disk_count)
		return false;
	for (size_t i = 0; i < TEXTS; i++)
		if (strcmp(text_of(a, session_texts[i].member),
			   text_of(b, session_texts[i].member)))
			return false;
	for (uint32_t i = 0; i < a->disk_count; i++)
		if (!disks_equal(&a->disks[i], &b->disks[i]))
			return false;
	return true;
}
