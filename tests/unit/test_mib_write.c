/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What SETs ask for: what is expected here is what the MIB says, column by column. */
#include "suites.h"

#include "fixture.h"
#include "helpers.h"
#include "mib_write.h"

#include <stdio.h>
#include <string.h>

/* Tags of other types (RFC 2578, RFC 3416); NONE is what a value without its octets has. */
enum { NONE = 0x00, NULL_VALUE = 0x05, OBJECT_ID = 0x06, IP_ADDRESS = 0x40, OPAQUE = 0x44 };

#define IFACE_INDEX "3.115.97.110" /* "san" */
#define MTU_INDEX   "3.109.116.117"

/* A writable object: an instance of it, its values and what they become. */
static const struct object {
	const char *oid; /* without the index */
	const char *index;
	uint8_t tag;
	int64_t minimum, maximum; /* of the number or of the length */
	enum isif_wish_kind kind;
	const char *setting;
} objects[] = {
	{ "1.5", "0", MIB_INTEGER, 0, INT32_MAX, 0, NULL },
	{ "3.1.2", IFACE_INDEX, MIB_OCTETS, 0, 15, ISIF_WISH_IFACE_SETTING, "transport_name" },
	{ "3.1.3", IFACE_INDEX, MIB_OCTETS, 0, 17, ISIF_WISH_IFACE_SETTING, "hwaddress" },
	{ "3.1.4", IFACE_INDEX, MIB_INTEGER, 0, 16, ISIF_WISH_IFACE_ADDRESS_TYPE, NULL },
	{ "3.1.5", IFACE_INDEX, MIB_OCTETS, 0, 255, ISIF_WISH_IFACE_ADDRESS, NULL },
	{ "3.1.6", IFACE_INDEX, MIB_OCTETS, 0, 15, ISIF_WISH_IFACE_SETTING, "net_ifacename" },
	{ "3.1.7", IFACE_INDEX, MIB_OCTETS, 0, 255, ISIF_WISH_IFACE_SETTING, "initiatorname" },
	{ "3.1.15", IFACE_INDEX, MIB_INTEGER, 1, 2, ISIF_WISH_IFACE_REBIND_MODE, NULL },
	{ "3.1.19", IFACE_INDEX, MIB_INTEGER, 1, 6, ISIF_WISH_IFACE_ROW, NULL },
	{ "4.1.2", IFACE_INDEX "." MTU_INDEX, MIB_OCTETS, 0, 255, ISIF_WISH_IFACE_SETTING, "mtu" },
	{ "5.1.2", "7", MIB_OCTETS, 1, 64, ISIF_WISH_BINDING_IFACE, NULL },
	{ "5.1.3", "7", MIB_OCTETS, 1, 255, ISIF_WISH_BINDING_TARGET, NULL },
	{ "5.1.4", "7", MIB_INTEGER, 0, 16, ISIF_WISH_BINDING_ADDRESS_TYPE, NULL },
	{ "5.1.5", "7", MIB_OCTETS, 0, 255, ISIF_WISH_BINDING_ADDRESS, NULL },
	{ "5.1.6", "7", MIB_UNSIGNED, 0, 65535, ISIF_WISH_BINDING_PORT, NULL },
	{ "5.1.7", "7", MIB_INTEGER, -1, 65535, ISIF_WISH_BINDING_TPGT, NULL },
	{ "5.1.8", "7", MIB_INTEGER, 1, 3, ISIF_WISH_BINDING_STARTUP, NULL },
	{ "5.1.9", "7", MIB_INTEGER, 1, 2, ISIF_WISH_BINDING_ADMIN, NULL },
	{ "5.1.20", "7", MIB_INTEGER, 1, 6, ISIF_WISH_BINDING_ROW, NULL },
	{ "9.1.2", "7", MIB_INTEGER, 1, 8, ISIF_WISH_JOB_KIND, NULL },
	{ "9.1.3", "7", MIB_OCTETS, 0, 64, ISIF_WISH_JOB_IFACE, NULL },
	{ "9.1.4", "7", MIB_OCTETS, 0, 255, ISIF_WISH_JOB_TARGET, NULL },
	{ "9.1.5", "7", MIB_INTEGER, 0, 16, ISIF_WISH_JOB_ADDRESS_TYPE, NULL },
	{ "9.1.6", "7", MIB_OCTETS, 0, 255, ISIF_WISH_JOB_ADDRESS, NULL },
	{ "9.1.7", "7", MIB_UNSIGNED, 0, 65535, ISIF_WISH_JOB_PORT, NULL },
	{ "9.1.8", "7", MIB_INTEGER, 1, 2, ISIF_WISH_JOB_FORCE, NULL },
	{ "9.1.17", "7", MIB_OCTETS, 0, 32, ISIF_WISH_JOB_OWNER, NULL },
	{ "9.1.18", "7", MIB_INTEGER, 1, 6, ISIF_WISH_JOB_ROW, NULL },
	{ "9.1.19", "7", MIB_INTEGER, 1, 2, ISIF_WISH_JOB_CONTROL, NULL },
	{ "11.1", "0", MIB_OCTETS, 0, 255, ISIF_WISH_KEPT, NULL },
	{ "11.2", "0", MIB_UNSIGNED, 0, UINT32_MAX, ISIF_WISH_KEPT, NULL },
	{ "11.9", "0", MIB_UNSIGNED, 0, UINT32_MAX, ISIF_WISH_KEPT, NULL },
};

static char xs[300]; /* a text of this many letters */

static void set_up(void)
{
	memset(xs, 'x', sizeof(xs));
}

static struct oid instance(const char *oid, const char *index)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s%s%s", oid, *index ? "." : "", index);
	return below(text);
}

static enum mib_error decode(const struct oid *oid, uint8_t tag, int64_t integer,
			     const void *octets, size_t count, struct mib_wish *wish)
{
	struct mib_varbind varbind = { oid->arcs, oid->length, tag, integer, octets, count };
	const char *why = NULL;
	enum mib_error error = mib_write_decode(&varbind, wish, &why);

	CU_ASSERT_TRUE(why && !*why == !error);
	return error;
}

static enum mib_error set_number(const char *oid, const char *index, uint8_t tag, int64_t number)
{
	struct oid name = instance(oid, index);
	struct mib_wish wish;

	return decode(&name, tag, number, NULL, 0, &wish);
}

static enum mib_error set_octets(const char *oid, const char *index, const void *octets,
				 size_t count)
{
	struct oid name = instance(oid, index);
	struct mib_wish wish;

	return decode(&name, MIB_OCTETS, 0, octets, count, &wish);
}

/* A value of this size that nothing can be wrong with but its size. */
static enum mib_error set_size(const struct object *object, int64_t size, struct mib_wish *wish)
{
	struct oid name = instance(object->oid, object->index);

	if (object->tag != MIB_OCTETS)
		return decode(&name, object->tag, size, NULL, 0, wish);
	if (size < 0)
		return MIB_WRONG_LENGTH;
	if (strcmp(object->oid, "11.1") != 0)
		return decode(&name, MIB_OCTETS, 0, xs, (size_t)size, wish);
	return decode(&name, MIB_OCTETS, 0, memset((char[300]){ 0 }, 0, 300), (size_t)size, wish);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool is_wish(const struct object *object, int64_t size, const struct mib_wish *wish)
{
	const struct isif_wish *library = &wish->wish;

	if (!strcmp(object->oid, "1.5"))
		return wish->kind == MIB_WISH_SET_LOCK && wish->set_lock == size;
	if (wish->kind != MIB_WISH_LIBRARY || library->kind != object->kind ||
	    !same_text(library->setting, object->setting))
		return false;
	if (!strncmp(object->index, IFACE_INDEX, strlen(IFACE_INDEX)) &&
	    (library->iface_length != 3 || strcmp(library->iface, "san") != 0))
		return false;
	if (!strcmp(object->index, "7") && library->index != 7)
		return false;
	if (object->tag != MIB_OCTETS)
		return !strcmp(object->oid, "9.1.8") ? library->number == (size == 1)
						     : library->number == size;
	return object->kind == ISIF_WISH_KEPT ||
	       (library->length == (size_t)size && library->text &&
		!memcmp(library->text, xs, (size_t)size));
}

static void test_bounds(void)
{
	for (size_t i = 0; i < COUNT(objects); i++) {
		const struct object *object = &objects[i];
		const int64_t good[] = { object->minimum, object->maximum };
		enum mib_error wrong =
			object->tag == MIB_OCTETS ? MIB_WRONG_LENGTH : MIB_WRONG_VALUE;
		bool right = true;
		struct mib_wish wish;

		for (size_t j = 0; j < COUNT(good); j++)
			right = right && set_size(object, good[j], &wish) == MIB_NO_ERROR &&
				is_wish(object, good[j], &wish);
		if (object->minimum != 0 || object->tag == MIB_INTEGER)
			right = right && set_size(object, object->minimum - 1, &wish) == wrong;
		/* Neither tag can carry more than 32 bits. */
		if (object->maximum < INT32_MAX)
			right = right && set_size(object, object->maximum + 1, &wish) == wrong;
		if (!right)
			printf("# %s\n", object->oid);
		CU_ASSERT_TRUE(right);
	}
}

static void test_types(void)
{
	static const uint8_t tags[] = { MIB_INTEGER,   MIB_OCTETS,    MIB_COUNTER32, MIB_UNSIGNED,
					MIB_TIMETICKS, MIB_COUNTER64, NONE,	     NULL_VALUE,
					OBJECT_ID,     IP_ADDRESS,    OPAQUE };

	for (size_t i = 0; i < COUNT(objects); i++) {
		struct oid name = instance(objects[i].oid, objects[i].index);
		struct mib_wish wish;

		for (size_t j = 0; j < COUNT(tags); j++) {
			enum mib_error error = decode(&name, tags[j], 1, xs, 1, &wish);

			CU_ASSERT_TRUE((error == MIB_WRONG_TYPE) == (tags[j] != objects[i].tag));
		}
	}
}

static void test_gaps(void)
{
	for (size_t i = 0; i < COUNT(objects); i++) {
		const struct object *object = &objects[i];
		bool address = object->maximum == 16, row = object->maximum == 6;

		for (int64_t number = -2; object->tag == MIB_INTEGER && number < 40; number++) {
			/* InetAddressType without ipv4z(3); RowStatus of 1, 4 and 6. */
			bool good = address ? number == 0 || number == 1 || number == 2 ||
						      number == 4 || number == 16
				    : row ? number == 1 || number == 4 || number == 6
					  : number >= object->minimum && number <= object->maximum;
			struct mib_wish wish;

			CU_ASSERT_EQUAL(set_size(object, number, &wish),
					good ? MIB_NO_ERROR : MIB_WRONG_VALUE);
		}
	}
}

static void test_lock(void)
{
	struct oid name = instance("1.5", "0");
	struct mib_wish wish;

	CU_ASSERT_EQUAL(decode(&name, MIB_INTEGER, 5, NULL, 0, &wish), MIB_NO_ERROR);
	CU_ASSERT_EQUAL(wish.kind, MIB_WISH_SET_LOCK);
	CU_ASSERT_EQUAL(wish.set_lock, 5);
	CU_ASSERT_EQUAL(mib_next_lock(0), 1);
	CU_ASSERT_EQUAL(mib_next_lock(INT32_MAX), 0);
}

/* One bit a notification, the first one the highest; octets of later versions may be there. */
static void test_bits(void)
{
	static const struct {
		const char *octets;
		size_t count;
		enum mib_error error;
	} cases[] = {
		{ "\x00", 1, MIB_NO_ERROR },	    { "\xa5", 1, MIB_NO_ERROR },
		{ "\xff\0\0\0", 4, MIB_NO_ERROR },  { "", 0, MIB_NO_ERROR },
		{ "\xff\x80", 2, MIB_WRONG_VALUE }, { "\0\0\0\1", 4, MIB_WRONG_VALUE },
	};
	struct oid name = instance("11.1", "0");
	struct mib_wish wish;

	for (size_t i = 0; i < COUNT(cases); i++) {
		CU_ASSERT_EQUAL(
			decode(&name, MIB_OCTETS, 0, cases[i].octets, cases[i].count, &wish),
			cases[i].error);
		if (!cases[i].error)
			CU_ASSERT_EQUAL(wish.wish.number, (uint8_t)cases[i].octets[0]);
	}
}

static void test_kept(void)
{
	static const struct {
		const char *oid;
		enum isif_kept_number which;
	} cases[] = { { "11.2", ISIF_KEPT_HOLD_DOWN }, { "11.9", ISIF_KEPT_NOTIFY_RATE } };
	struct oid bits = instance("11.1", "0");
	struct mib_wish wish;

	CU_ASSERT_EQUAL(decode(&bits, MIB_OCTETS, 0, "\x81", 1, &wish), MIB_NO_ERROR);
	CU_ASSERT_EQUAL(wish.wish.index, ISIF_KEPT_NOTIFY_ENABLE);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct oid name = instance(cases[i].oid, "0");

		CU_ASSERT_EQUAL(decode(&name, MIB_UNSIGNED, 9, NULL, 0, &wish), MIB_NO_ERROR);
		CU_ASSERT_EQUAL(wish.wish.index, cases[i].which);
	}
}

/* Records are C texts; addresses are octets of any kind, and need not even be there. */
static void test_octets(void)
{
	struct oid name = instance("5.1.5", "7");
	struct mib_wish wish;

	for (size_t i = 0; i < COUNT(objects); i++) {
		const struct object *object = &objects[i];
		size_t oid_length = strlen(object->oid);
		bool address = oid_length == 5 && !strcmp(object->oid + 1, ".1.5");
		bool job_address = !strcmp(object->oid, "9.1.6");

		if (object->tag != MIB_OCTETS || object->kind == ISIF_WISH_KEPT)
			continue;
		CU_ASSERT_EQUAL(set_octets(object->oid, object->index, "a\0b", 3),
				address || job_address ? MIB_NO_ERROR : MIB_WRONG_VALUE);
		/* Which characters a setting can have the library knows. */
		CU_ASSERT_EQUAL(set_octets(object->oid, object->index, "\n\xff /", 4),
				MIB_NO_ERROR);
	}
	CU_ASSERT_EQUAL(decode(&name, MIB_OCTETS, 0, NULL, 0, &wish), MIB_NO_ERROR);
	CU_ASSERT_PTR_NOT_NULL(wish.wish.text);
	CU_ASSERT_EQUAL(wish.wish.length, 0);
}

static bool is_object(const char *oid)
{
	for (size_t i = 0; i < COUNT(objects); i++)
		if (!strcmp(objects[i].oid, oid))
			return true;
	return false;
}

/* Whatever its type and value: nothing but notWritable. */
static bool is_refused(const char *oid, const char *index)
{
	return set_number(oid, index, MIB_INTEGER, 1) == MIB_NOT_WRITABLE &&
	       set_number(oid, index, MIB_UNSIGNED, 1) == MIB_NOT_WRITABLE &&
	       set_number(oid, index, NULL_VALUE, 0) == MIB_NOT_WRITABLE &&
	       set_octets(oid, index, "x", 1) == MIB_NOT_WRITABLE;
}

/* The access that the descriptors show is the one that SETs meet. */
static void test_access(void)
{
	static const char *const group_index[] = {
		[3] = IFACE_INDEX, [4] = IFACE_INDEX "." MTU_INDEX
	};
	size_t writable = 0;

	for (size_t i = 0; i < mib_group_count; i++) {
		const struct mib_group *group = &mib_groups[i];
		const char *index = !group->table.rows ? "0" : "7";

		if (group->arc < COUNT(group_index) && group_index[group->arc])
			index = group_index[group->arc];
		for (size_t j = 0; j < group->column_count; j++) {
			const struct mib_column *column = &group->columns[j];
			char oid[32];

			snprintf(oid, sizeof(oid), group->table.rows ? "%u.1.%u" : "%u.%u",
				 group->arc, column->arc);
			if (column->access == ACCESS_WRITE || column->access == ACCESS_CREATE) {
				writable++;
				CU_ASSERT_TRUE(is_object(oid));
			} else {
				CU_ASSERT_TRUE(is_refused(oid, index));
			}
		}
	}
	CU_ASSERT_EQUAL(writable, COUNT(objects));
}

static void test_no_object(void)
{
	static const struct {
		const char *oid, *index;
	} cases[] = {
		{ "1", "" },
		{ "1.22", "0" },
		{ "1.0", "0" },
		{ "0.5", "0" },
		{ "3", "" },
		{ "3.1", "" },
		{ "3.1.22", "1.97" },
		{ "3.0.6", "1.97" },
		{ "3.2.6", "1.97" },
		{ "3.6", "1.97" },
		{ "5.1.25", "7" },
		{ "9.1.20", "7" },
		{ "11.5", "0" },
		{ "11.10", "0" },
		{ "13.1.2", "7" },
		{ "13", "" },
		{ "65537", "" },
		{ "65539.1.6", "1.97" },
		{ "3.1.65542", "1.97" },
	};
	struct oid outside = below("1.5.0");
	struct mib_wish wish;

	for (size_t i = 0; i < COUNT(cases); i++)
		CU_ASSERT_TRUE(is_refused(cases[i].oid, cases[i].index));
	CU_ASSERT_TRUE(is_refused("", ""));
	/* Every name that ends before a column does, and one that is not ours. */
	for (outside.length = 0; outside.length <= mib_root_length + 2; outside.length++)
		CU_ASSERT_EQUAL(decode(&outside, MIB_INTEGER, 1, NULL, 0, &wish), MIB_NOT_WRITABLE);
	outside = below("1.5.0");
	outside.arcs[mib_root_length] = 2;
	CU_ASSERT_EQUAL(decode(&outside, MIB_INTEGER, 1, NULL, 0, &wish), MIB_NOT_WRITABLE);
	outside = below("1.5.0");
	outside.arcs[0]++;
	CU_ASSERT_EQUAL(decode(&outside, MIB_INTEGER, 1, NULL, 0, &wish), MIB_NOT_WRITABLE);
}

#define TEN		"120.120.120.120.120.120.120.120.120.120"
#define LONGEST_NAME	TEN "." TEN "." TEN "." TEN "." TEN "." TEN ".120.120.120"
#define LONGEST_SETTING TEN "." TEN "." TEN "." TEN

static void test_indexes(void)
{
	static const struct {
		const char *oid, *index;
		enum mib_error error;
	} cases[] = {
		/* a scalar */
		{ "1.5", "", MIB_NO_CREATION },
		{ "1.5", "1", MIB_NO_CREATION },
		{ "1.5", "0.0", MIB_NO_CREATION },
		{ "11.2", "4294967296", MIB_NO_CREATION },
		/* a number */
		{ "5.1.7", "", MIB_NO_CREATION },
		{ "5.1.7", "0", MIB_NO_CREATION },
		{ "5.1.7", "1", MIB_NO_ERROR },
		{ "5.1.7", "2147483647", MIB_NO_ERROR },
		{ "5.1.7", "2147483648", MIB_NO_CREATION },
		{ "5.1.7", "4294967297", MIB_NO_CREATION },
		{ "5.1.7", "7.0", MIB_NO_CREATION },
		{ "9.1.19", "0", MIB_NO_CREATION },
		{ "9.1.19", "2147483648", MIB_NO_CREATION },
		/* a name */
		{ "3.1.15", "", MIB_NO_CREATION },
		{ "3.1.15", "0", MIB_NO_CREATION },
		{ "3.1.15", "1.97", MIB_NO_ERROR },
		{ "3.1.15", "1.255", MIB_NO_ERROR },
		{ "3.1.15", "97", MIB_NO_CREATION },
		{ "3.1.15", "1", MIB_NO_CREATION },
		{ "3.1.15", "2.97", MIB_NO_CREATION },
		{ "3.1.15", "1.97.98", MIB_NO_CREATION },
		{ "3.1.15", "1.256", MIB_NO_CREATION },
		{ "3.1.15", "1.353", MIB_NO_CREATION },
		{ "3.1.15", "1.0", MIB_NO_CREATION },
		{ "3.1.15", "3.97.0.98", MIB_NO_CREATION },
		{ "3.1.15", "4294967297.97", MIB_NO_CREATION },
		{ "3.1.15", "18446744073709551615.97", MIB_NO_CREATION },
		{ "3.1.15", "64." LONGEST_NAME ".120", MIB_NO_ERROR },
		{ "3.1.15", "65." LONGEST_NAME ".120.120", MIB_NO_CREATION },
		/* two names */
		{ "4.1.2", "", MIB_NO_CREATION },
		{ "4.1.2", "1.97", MIB_NO_CREATION },
		{ "4.1.2", "1.97.0", MIB_NO_CREATION },
		{ "4.1.2", "0.1.97", MIB_NO_CREATION },
		{ "4.1.2", "1.97.1.98", MIB_NO_ERROR },
		{ "4.1.2", "1.97.1.98.1", MIB_NO_CREATION },
		{ "4.1.2", "1.97.2.98", MIB_NO_CREATION },
		{ "4.1.2", "1.97.1.256", MIB_NO_CREATION },
		{ "4.1.2", "1.97.40." LONGEST_SETTING, MIB_NO_ERROR },
		{ "4.1.2", "1.97.41." LONGEST_SETTING ".120", MIB_NO_CREATION },
		{ "4.1.2", "64." LONGEST_NAME ".120.40." LONGEST_SETTING, MIB_NO_ERROR },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t tag = !strncmp(cases[i].oid, "11", 2) ? MIB_UNSIGNED : MIB_INTEGER;
		enum mib_error error = cases[i].oid[0] == '4'
					       ? set_octets(cases[i].oid, cases[i].index, "1", 1)
					       : set_number(cases[i].oid, cases[i].index, tag, 1);

		if (error != cases[i].error)
			printf("# %s %s\n", cases[i].oid, cases[i].index);
		CU_ASSERT_EQUAL(error, cases[i].error);
	}
}

/* Of several things that are wrong with a varbind the first of RFC 3416, 4.2.5 is told. */
static void test_order(void)
{
	CU_ASSERT_EQUAL(set_octets("3.1.10", "0", xs, 300), MIB_NOT_WRITABLE);
	CU_ASSERT_EQUAL(set_octets("3.1.15", "0", xs, 300), MIB_WRONG_TYPE);
	CU_ASSERT_EQUAL(set_octets("3.1.6", "0", memset((char[20]){ 0 }, 0, 20), 20),
			MIB_WRONG_LENGTH);
	CU_ASSERT_EQUAL(set_octets("3.1.6", "0", "a\0", 2), MIB_WRONG_VALUE);
	CU_ASSERT_EQUAL(set_number("3.1.15", "0", MIB_INTEGER, 3), MIB_WRONG_VALUE);
	CU_ASSERT_EQUAL(set_number("3.1.19", "0", MIB_INTEGER, 5), MIB_WRONG_VALUE);
	CU_ASSERT_EQUAL(set_number("3.1.15", "0", MIB_INTEGER, 2), MIB_NO_CREATION);
}

static void test_errors(void)
{
	/* The numbers are those of the PDU (RFC 3416, 3). */
	static const struct {
		enum isif_refusal_kind kind;
		int number;
		const char *name;
	} cases[] = {
		{ ISIF_REFUSED_VALUE, 10, "wrongValue" },
		{ ISIF_REFUSED_STATE, 12, "inconsistentValue" },
		{ ISIF_REFUSED_NAME, 18, "inconsistentName" },
		{ ISIF_REFUSED_CREATION, 11, "noCreation" },
		{ ISIF_REFUSED_READ_ONLY, 17, "notWritable" },
		{ ISIF_REFUSED_ACCESS, 6, "noAccess" },
		{ ISIF_REFUSED_BUSY, 13, "resourceUnavailable" },
		{ ISIF_REFUSED_FAILED, 14, "commitFailed" },
		{ ISIF_REFUSED_UNDO, 15, "undoFailed" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		enum mib_error error = mib_write_error(cases[i].kind);

		CU_ASSERT_EQUAL((int)error, cases[i].number);
		CU_ASSERT_STRING_EQUAL(mib_error_name(error), cases[i].name);
	}
	CU_ASSERT_STRING_EQUAL(mib_error_name(MIB_NO_ERROR), "noError");
	CU_ASSERT_STRING_EQUAL(mib_error_name(MIB_WRONG_TYPE), "wrongType");
	CU_ASSERT_STRING_EQUAL(mib_error_name(MIB_WRONG_LENGTH), "wrongLength");
}

void add_mib_write_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("mib_write", NULL, NULL, set_up, NULL);

	CU_add_test(suite, "sizes and ranges", test_bounds);
	CU_add_test(suite, "types", test_types);
	CU_add_test(suite, "numbers with gaps", test_gaps);
	CU_add_test(suite, "iscsiIfaceSetLock", test_lock);
	CU_add_test(suite, "bits", test_bits);
	CU_add_test(suite, "which number is kept", test_kept);
	CU_add_test(suite, "octets of any kind", test_octets);
	CU_add_test(suite, "what can be written is what the descriptors say", test_access);
	CU_add_test(suite, "no such object", test_no_object);
	CU_add_test(suite, "indexes", test_indexes);
	CU_add_test(suite, "the order of errors", test_order);
	CU_add_test(suite, "refusals and their errors", test_errors);
}
