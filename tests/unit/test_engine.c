/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine over a snapshot made by hand: any OID -> value or next OID. */
#include "suites.h"

#include "engine.h"
#include "fixture.h"
#include "helpers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct oid cells[512];
static char *zone;

/* The host's zone, for the time of a test. */
static void set_zone(const char *text)
{
	setenv("TZ", text, 1);
	tzset();
}

static void set_up(void)
{
	const char *now = getenv("TZ");

	zone = now ? strdup(now) : NULL;
	set_zone("XXX-05:45");
	CU_ASSERT_TRUE_FATAL(fixture_cell_count <= COUNT(cells));
	for (size_t i = 0; i < fixture_cell_count; i++)
		cells[i] = below(fixture_cells[i].oid);
}

static void tear_down(void)
{
	if (zone)
		set_zone(zone);
	else
		unsetenv("TZ");
	free(zone);
}

static int compare(const struct oid *a, const struct oid *b)
{
	for (size_t i = 0; i < a->length && i < b->length; i++)
		if (a->arcs[i] != b->arcs[i])
			return a->arcs[i] < b->arcs[i] ? -1 : 1;
	return (a->length > b->length) - (a->length < b->length);
}

static bool has_value_of(const struct cell *cell, const struct mib_value *value)
{
	if (value->tag != cell->tag)
		return false;
	switch (cell->tag) {
	case MIB_OCTETS:
		return value->length == cell->length &&
		       !memcmp(value->octets, cell->octets, cell->length);
	case MIB_INTEGER:
		return value->integer == (int32_t)cell->number;
	case MIB_COUNTER64:
		return value->number == cell->number;
	default:
		return value->number == cell->number && value->number <= UINT32_MAX;
	}
}

static void say(const char *what, const struct oid *oid)
{
	printf("# %s", what);
	for (size_t i = mib_root_length; i < oid->length; i++)
		printf(".%lu", oid->arcs[i]);
	printf("\n");
}

/* One step from a name: to the cell with this number, or (the count) to the end. */
static bool steps_to(const struct oid *from, size_t expected)
{
	struct mib_view view = fixture_view();
	struct mib_value value;
	struct oid next;
	enum engine_answer answer =
		engine_next(&view, from->arcs, from->length, next.arcs, &next.length, &value);

	if (expected == fixture_cell_count
		    ? answer == ENGINE_END
		    : answer == ENGINE_VALUE && !compare(&next, &cells[expected]) &&
			      has_value_of(&fixture_cells[expected], &value))
		return true;
	say("from ", from);
	if (answer == ENGINE_VALUE)
		say("to ", &next);
	return false;
}

static void test_cells_are_sorted(void)
{
	for (size_t i = 1; i < fixture_cell_count; i++)
		CU_ASSERT_TRUE(compare(&cells[i - 1], &cells[i]) < 0);
}

static void test_walk(void)
{
	struct oid from = below("");

	for (size_t i = 0; i <= fixture_cell_count; i++) {
		CU_ASSERT_TRUE(steps_to(&from, i));
		if (i < fixture_cell_count)
			from = cells[i];
	}
}

static void test_get(void)
{
	for (size_t i = 0; i < fixture_cell_count; i++) {
		struct mib_view view = fixture_view();
		struct mib_value value;

		CU_ASSERT_EQUAL(engine_get(&view, cells[i].arcs, cells[i].length, &value),
				ENGINE_VALUE);
		CU_ASSERT_TRUE(has_value_of(&fixture_cells[i], &value));
		if (!has_value_of(&fixture_cells[i], &value))
			say("", &cells[i]);
	}
}

/* Any name leads to the first cell behind it, and has a value only if it is a cell. */
static bool is_right(const struct oid *name)
{
	struct mib_view view = fixture_view();
	struct mib_value value;
	size_t low = 0, high = fixture_cell_count;
	bool is_cell;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (compare(&cells[middle], name) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	is_cell = low && !compare(&cells[low - 1], name);
	return steps_to(name, low) &&
	       (engine_get(&view, name->arcs, name->length, &value) == ENGINE_VALUE) == is_cell;
}

/* The first name that is answered wrongly ends a test: thousands may follow it. */
#define CHECK_NAME(name)                                                                           \
	do {                                                                                       \
		bool right_ = is_right(name);                                                      \
		CU_ASSERT_TRUE(right_);                                                            \
		if (!right_)                                                                       \
			return;                                                                    \
	} while (0)

static void test_truncated(void)
{
	for (size_t i = 0; i < fixture_cell_count; i++)
		for (struct oid name = cells[i]; name.length--;)
			CHECK_NAME(&name);
}

static void test_over_long(void)
{
	static const mib_arc arcs[] = { 0, 1, 255, 256, UINT32_MAX, 1ul << 32 };

	for (size_t i = 0; i < fixture_cell_count; i++) {
		for (size_t j = 0; j < COUNT(arcs); j++) {
			struct oid name = cells[i];

			name.arcs[name.length++] = arcs[j];
			CHECK_NAME(&name);
			while (name.length < MIB_OID_LIMIT)
				name.arcs[name.length++] = arcs[j];
			CHECK_NAME(&name);
		}
	}
}

/* Each arc replaced: one less and more, beyond an octet, and so that 32 bits would not see it. */
static void test_other_arcs(void)
{
	for (size_t i = 0; i < fixture_cell_count; i++) {
		for (size_t j = 0; j < cells[i].length; j++) {
			mib_arc arc = cells[i].arcs[j];
			const mib_arc others[] = {
				0,	     arc - 1,		arc + 1,    arc + 256,
				arc + 65536, arc + (1ul << 32), UINT32_MAX, (mib_arc)-1,
			};

			for (size_t k = 0; k < COUNT(others); k++) {
				struct oid name = cells[i];

				name.arcs[j] = others[k];
				CHECK_NAME(&name);
				name.length = j + 1;
				CHECK_NAME(&name);
			}
		}
	}
}

static void test_errors(void)
{
	static const struct {
		const char *oid;
		enum engine_answer answer;
	} cases[] = {
		{ "", ENGINE_NO_OBJECT },
		{ "1", ENGINE_NO_OBJECT },
		{ "1.99.0", ENGINE_NO_OBJECT },
		{ "1.1", ENGINE_NO_INSTANCE },
		{ "1.1.1", ENGINE_NO_INSTANCE },
		{ "1.1.0.0", ENGINE_NO_INSTANCE },
		{ "99.1.0", ENGINE_NO_OBJECT },
		{ "3", ENGINE_NO_OBJECT },
		{ "3.1", ENGINE_NO_OBJECT },
		{ "3.2.2.1.98", ENGINE_NO_OBJECT },
		{ "3.1.1.1.98", ENGINE_NO_OBJECT }, /* an index is not accessible */
		{ "3.1.99.1.98", ENGINE_NO_OBJECT },
		{ "3.1.2", ENGINE_NO_INSTANCE },
		{ "3.1.2.98", ENGINE_NO_INSTANCE },
		{ "3.1.2.1.99", ENGINE_NO_INSTANCE },
		{ "3.1.2.1.98.0", ENGINE_NO_INSTANCE },
		{ "6.1.17.4294967295", ENGINE_NO_INSTANCE },
		{ "9.1.9.1", ENGINE_NO_INSTANCE },
		{ "10.1.2.1", ENGINE_NO_INSTANCE },
		{ "10.1.1.1", ENGINE_NO_OBJECT },
		{ "11.5.0", ENGINE_NO_OBJECT }, /* accessible for notifications only */
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct mib_view view = fixture_view();
		struct oid name = below(cases[i].oid);
		struct mib_value value;

		CU_ASSERT_EQUAL(engine_get(&view, name.arcs, name.length, &value), cases[i].answer);
	}
}

static void test_outside(void)
{
	struct oid name = below("");

	/* Before the root, at it, and behind it. */
	CHECK_NAME(&((struct oid){ 0, { 0 } }));
	CHECK_NAME(&((struct oid){ 2, { 1, 3 } }));
	name.length--;
	CHECK_NAME(&name);
	name.arcs[name.length++] = 0;
	CHECK_NAME(&name);
	name.arcs[name.length - 1] = 2;
	CHECK_NAME(&name);
	CU_ASSERT_TRUE(steps_to(&name, fixture_cell_count));
	CHECK_NAME(&((struct oid){ 1, { 2 } }));
}

static void test_empty_tables(void)
{
	struct mib_view view = fixture_view();
	struct oid name = below("");
	struct mib_value value;
	size_t count = 0;

	view.snapshot = &fixture_empty_snapshot;
	view.jobs.count = 0;
	while (engine_next(&view, name.arcs, name.length, name.arcs, &name.length, &value) ==
	       ENGINE_VALUE) {
		mib_arc group = name.arcs[mib_root_length + 1];

		count++;
		CU_ASSERT_TRUE(group == 1 || group == 11);
	}
	CU_ASSERT_EQUAL(count, MIB_AGENT_SCALARS + MIB_ALERTING_SCALARS);
}

/* No column is left out of the fixture, but those of tables that never have a row. */
static void test_all_columns(void)
{
	for (size_t i = 0; i < mib_group_count; i++) {
		const struct mib_group *group = &mib_groups[i];

		for (size_t j = 0; j < group->column_count; j++) {
			char column[16];
			bool found = group->columns[j].access == ACCESS_NONE || group->arc == 9 ||
				     group->arc == 10;

			snprintf(column, sizeof(column), group->table.rows ? "%u.1.%u." : "%u.%u.",
				 group->arc, group->columns[j].arc);
			for (size_t k = 0; k < fixture_cell_count && !found; k++)
				found = !strncmp(fixture_cells[k].oid, column, strlen(column));
			CU_ASSERT_TRUE(found);
		}
	}
}

static bool asks_for_counters(const char *oid)
{
	struct mib_view view = fixture_view();
	struct oid name = below(oid);
	struct mib_value value;

	engine_get(&view, name.arcs, name.length, &value);
	return view.counters_asked;
}

static void test_counters_asked(void)
{
	CU_ASSERT_TRUE(asks_for_counters("6.1.17.1"));
	CU_ASSERT_TRUE(asks_for_counters("6.1.20.1"));
	CU_ASSERT_TRUE(asks_for_counters("6.1.27.1"));
	CU_ASSERT_FALSE(asks_for_counters("6.1.13.1"));
	CU_ASSERT_FALSE(asks_for_counters("5.1.12.5"));
}

/* The octets of up since (DateAndTime, RFC 2579) in a zone. */
static bool shows_date(const char *tz, int64_t wall, const void *octets, size_t length)
{
	struct mib_view view = fixture_view();
	struct isif_binding row = { .up_since = wall };
	const struct mib_group *group = &mib_groups[4];
	struct mib_value value = { 0 };

	set_zone(tz);
	CU_ASSERT_EQUAL(group->arc, 5);
	for (size_t i = 0; i < group->column_count; i++)
		if (group->columns[i].arc == 14)
			mib_column_value(&group->columns[i], &view, &row, &value);
	return value.tag == MIB_OCTETS && value.length == length &&
	       !memcmp(value.octets, octets, length);
}

static void test_dates(void)
{
	CU_ASSERT_TRUE(shows_date("UTC0", FIXTURE_WALL, "\x07\xeb\x01\x0f\x08\0\0\0+\0\0", 11));
	CU_ASSERT_TRUE(
		shows_date("XXX-05:45", FIXTURE_WALL, "\x07\xeb\x01\x0f\x0d\x2d\0\0+\x05\x2d", 11));
	CU_ASSERT_TRUE(
		shows_date("XXX+03:30", FIXTURE_WALL, "\x07\xeb\x01\x0f\x04\x1e\0\0-\x03\x1e", 11));
	CU_ASSERT_TRUE(
		shows_date("XXX+00:30", FIXTURE_WALL, "\x07\xeb\x01\x0f\x07\x1e\0\0-\0\x1e", 11));
	CU_ASSERT_TRUE(shows_date("UTC0", 0, "\0\0\0\0\0\0\0\0", 8));
	CU_ASSERT_TRUE(shows_date("UTC0", 951782399, "\x07\xd0\x02\x1c\x17\x3b\x3b\0+\0\0", 11));
}

/* sysUpTime at an event; it may be of before sysUpTime began, and over 497 days it wraps. */
static void test_timestamps(void)
{
	static const struct {
		uint64_t event, origin;
		uint32_t ticks;
	} cases[] = {
		{ 0, 0, 0 },
		{ 1000, 0, 100 },
		{ 1009, 0, 100 },
		{ 1000, 1000, 0 },
		{ 999, 1000, 0 },
		{ 0, 1000, 0 },
		{ 1000, (uint64_t)-5000, 600 },
		{ 42949672960ull + 70, 0, 7 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct isif_snapshot snapshot = fixture_empty_snapshot;
		struct mib_view view = fixture_view();
		struct oid name = below("1.6.0");
		struct mib_value value;

		snapshot.summary.config_last_change = cases[i].event;
		view.snapshot = &snapshot;
		view.origin = cases[i].origin;
		CU_ASSERT_EQUAL(engine_get(&view, name.arcs, name.length, &value), ENGINE_VALUE);
		CU_ASSERT_EQUAL(value.tag, MIB_TIMETICKS);
		CU_ASSERT_EQUAL(value.number, cases[i].ticks);
	}
}

static struct isif_name *make_name(struct isif_names *names, size_t length)
{
	char text[256];
	struct isif_name *name;

	memset(text, 'n', sizeof(text));
	name = isif_name_get(names, text, length);
	CU_ASSERT_PTR_NOT_NULL_FATAL(name);
	return name;
}

/* The longest names that rows can have still fit an OID, and the texts their columns. */
static void test_longest(void)
{
	struct isif_names *names = isif_names_new();
	struct isif_name *iface_name = make_name(names, 64), *name_255 = make_name(names, 255);
	struct isif_iface iface = { .name = iface_name,
				    .transport = "sixteen-octets-x",
				    .hwaddress = "02:00:00:00:00:02x",
				    .ipaddress = "",
				    .netdev = "sixteen-octets-x",
				    .initiator = "" };
	char setting_name[41];
	const struct isif_iface_setting setting = { &iface, NULL, setting_name, "" };
	const struct isif_iface_setting *settings[] = { &setting };
	struct isif_node node = { .target = name_255,
				  .address = name_255,
				  .iface = iface_name,
				  .port = 65535,
				  .tpgt = 65535 };
	struct isif_binding binding = { .index = 1, .node = &node }, *bindings[] = { &binding };
	struct isif_iface *ifaces[] = { &iface };
	struct isif_snapshot snapshot = {
		.ifaces = ifaces,
		.settings = settings,
		.bindings = bindings,
		.iface_count = 1,
		.setting_count = 1,
		.binding_count = 1,
	};
	struct mib_view view = fixture_view();
	struct oid name = below("4");
	struct mib_value value;

	memset(setting_name, 's', 40);
	setting_name[40] = '\0';
	view.snapshot = &snapshot;
	CU_ASSERT_EQUAL(engine_next(&view, name.arcs, name.length, name.arcs, &name.length, &value),
			ENGINE_VALUE);
	CU_ASSERT_TRUE(name.length <= MIB_OID_LIMIT);
	CU_ASSERT_EQUAL(name.length, mib_root_length + 1 + 3 + 1 + 64 + 1 + 40);
	/* Columns that are shorter than a record's value, and texts put together. */
	for (name = below("3"); engine_next(&view, name.arcs, name.length, name.arcs, &name.length,
					    &value) == ENGINE_VALUE &&
				name.arcs[mib_root_length + 1] <= 5;) {
		mib_arc table = name.arcs[mib_root_length + 1];
		mib_arc column = name.arcs[mib_root_length + 3];

		if (value.tag == MIB_OCTETS)
			CU_ASSERT_TRUE(value.length <= 255);
		if (table == 3 && (column == 2 || column == 6))
			CU_ASSERT_EQUAL(value.length, 15);
		if (table == 3 && column == 3)
			CU_ASSERT_EQUAL(value.length, 17);
		if (table == 5 && (column == 3 || column == 21 || column == 23))
			CU_ASSERT_EQUAL(value.length, 255);
	}
	isif_name_release(iface_name);
	isif_name_release(name_255);
	isif_names_free(names);
}

static uint64_t number_at(struct mib_view *view, const char *oid)
{
	struct oid name = below(oid);
	struct mib_value value = { .number = UINT64_MAX };

	CU_ASSERT_EQUAL(engine_get(view, name.arcs, name.length, &value), ENGINE_VALUE);
	return value.number;
}

/* LastJob is the job that was asked for last, whatever its index; 0: there is none. */
static void test_last_job(void)
{
	struct mib_view view = fixture_view();
	struct isif_job all[3];
	const struct isif_job *rows[] = { &all[0], &all[1], &all[2] };

	for (size_t i = 0; i < COUNT(all); i++)
		all[i] = *view.jobs.jobs[0];
	all[0].index = 3;
	all[0].order = 7;
	all[1].index = 4;
	all[1].order = 9;
	all[2].index = 5;
	all[2].order = 8;
	all[1].port = 3261;
	view.jobs = (struct isif_job_list){ rows, 3, 6 };
	CU_ASSERT_EQUAL(number_at(&view, "3.1.16.1.98"), 4);
	CU_ASSERT_EQUAL(number_at(&view, "3.1.16.2.97.97"), 0);
	CU_ASSERT_EQUAL(number_at(&view, "5.1.18.5"), 5);
	CU_ASSERT_EQUAL(number_at(&view, "5.1.18.1073741824"), 0);
	CU_ASSERT_EQUAL(number_at(&view, "1.17.0"), 6);
	/* One of all ifaces, targets and portals is about every binding, and about no iface. */
	all[0].order = 10;
	all[0].port = 0;
	all[0].iface = all[0].target = all[0].address = fixture_view().jobs.jobs[1]->target;
	CU_ASSERT_EQUAL(number_at(&view, "3.1.16.1.98"), 4);
	CU_ASSERT_EQUAL(number_at(&view, "5.1.18.5"), 3);
	CU_ASSERT_EQUAL(number_at(&view, "5.1.18.1073741824"), 3);
}

/* What has no name yet is an empty text. */
static void test_no_names(void)
{
	struct isif_snapshot snapshot = { .references = 1 };
	struct mib_view view = fixture_view();
	struct oid name = below("1.2.0");
	struct mib_value value;

	view.snapshot = &snapshot;
	CU_ASSERT_EQUAL(engine_get(&view, name.arcs, name.length, &value), ENGINE_VALUE);
	CU_ASSERT_EQUAL(value.tag, MIB_OCTETS);
	CU_ASSERT_EQUAL(value.length, 0);
}

void add_engine_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("engine", NULL, NULL, set_up, tear_down);

	CU_add_test(suite, "the fixture is in the order of a walk", test_cells_are_sorted);
	CU_add_test(suite, "a walk shows each instance, in order", test_walk);
	CU_add_test(suite, "each instance can be asked for", test_get);
	CU_add_test(suite, "truncated names", test_truncated);
	CU_add_test(suite, "names that are too long", test_over_long);
	CU_add_test(suite, "every other arc at every place", test_other_arcs);
	CU_add_test(suite, "noSuchObject and noSuchInstance", test_errors);
	CU_add_test(suite, "names outside of the objects", test_outside);
	CU_add_test(suite, "empty tables are stepped over", test_empty_tables);
	CU_add_test(suite, "every column of every table is in the fixture", test_all_columns);
	CU_add_test(suite, "only a look at counters asks for them", test_counters_asked);
	CU_add_test(suite, "dates and their zones", test_dates);
	CU_add_test(suite, "time stamps are sysUpTime at the event", test_timestamps);
	CU_add_test(suite, "the longest names and texts fit", test_longest);
	CU_add_test(suite, "the last job of an iface and a binding", test_last_job);
	CU_add_test(suite, "no name is an empty text", test_no_names);
}
