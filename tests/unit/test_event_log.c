/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The events and their file, with the real gate: numbered for ever, whatever happens to us. */
#include "suites.h"

#include "allocation.h"
#include "event_log.h"
#include "helpers.h"

#include <stdio.h>
#include <string.h>

#define BOOT "boot-one"

static struct isif_privileged *gate;
static struct isif_names *names;
static struct lines lines;
static struct isif_log log_here;
static struct event_log *events;

static void open_events(const char *boot)
{
	CU_ASSERT_EQUAL_FATAL(event_log_open(gate, names, &log_here, boot, &events), ISIF_OK);
}

static void set_up(void)
{
	scratch_make();
	put_directory("db/ifaces");
	names = isif_names_new();
	lines = (struct lines){ 0 };
	log_here = log_into(&lines);
	CU_ASSERT_EQUAL_FATAL(open_writing_gate(scratch("db"), &log_here, &gate), ISIF_OK);
	open_events(BOOT);
}

static void tear_down(void)
{
	event_log_close(events);
	isif_privileged_close(gate);
	isif_names_free(names);
	scratch_remove();
}

static uint32_t happens(const char *text)
{
	struct isif_name *iface = isif_name_get(names, "if0", 3);
	const struct isif_event *event =
		event_log_add(events, ISIF_HAPPENED_BINDING_LOST, iface, 7, "%s", text);

	CU_ASSERT_PTR_NOT_NULL_FATAL(event);
	isif_name_release(iface);
	return event->index;
}

/* Texts and numbers of all that are kept: "1:a 2:b". */
static bool are(const char *expected)
{
	struct isif_event_list list = event_log_list(events);
	char text[512] = "";

	for (uint32_t i = 0; i < list.count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u:%s", i ? " " : "",
			 list.events[i]->index, list.events[i]->text);
	if (!strcmp(text, expected))
		return true;
	printf("# events: %s\n", text);
	return false;
}

/* As if we were killed: what was not written is gone, and nothing says that this is the end. */
static void die(const char *boot)
{
	char text[4096] = "";
	FILE *file = fopen(scratch("state/events"), "re");
	size_t length = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	text[length] = '\0';
	if (file)
		fclose(file);
	event_log_close(events);
	put_file("state/events", text);
	open_events(boot);
}

static long size_of(const char *name)
{
	FILE *file = fopen(scratch("%s", name), "re");
	long size = -1;

	if (file && !fseek(file, 0, SEEK_END))
		size = ftell(file);
	if (file)
		fclose(file);
	return size;
}

static void test_restart(void)
{
	const struct isif_event *event;

	CU_ASSERT_EQUAL(happens("a b%"), 1);
	CU_ASSERT_EQUAL(happens("c\nd"), 2);
	event_log_notified(events, 2);
	event_log_close(events);
	open_events("another-boot");
	CU_ASSERT(are("1:a b% 2:c\nd"));
	event = event_log_list(events).events[1];
	CU_ASSERT(event->notified);
	CU_ASSERT_EQUAL(event->kind, ISIF_HAPPENED_BINDING_LOST);
	CU_ASSERT_EQUAL(event->binding, 7);
	CU_ASSERT_STRING_EQUAL(event->iface->text, "if0");
	CU_ASSERT(event->time > 1700000000);
	CU_ASSERT_EQUAL(happens("e"), 3);
	CU_ASSERT_EQUAL(lines.count, 0);
}

/* What was written is there, in the same boot at once; no number is given twice after another. */
static void test_killed(void)
{
	happens("a");
	event_log_write(events);
	happens("b");
	event_log_notified(events, 1);
	CU_ASSERT(event_log_has_news(events));
	CU_ASSERT(event_log_write(events));
	CU_ASSERT_FALSE(event_log_has_news(events));
	event_log_sync(events);
	CU_ASSERT_FALSE(event_log_write(events));
	happens("lost");
	die(BOOT);
	CU_ASSERT(are("1:a 2:b"));
	CU_ASSERT(event_log_list(events).events[0]->notified);
	CU_ASSERT_EQUAL(happens("c"), 3);
	event_log_write(events);
	die("another-boot");
	CU_ASSERT(are("1:a 2:b 3:c"));
	CU_ASSERT_EQUAL(happens("d"), 1004);
}

/* A line that was being written when the power went. */
static void test_torn(void)
{
	event_log_close(events);
	put_file("state/events", "iscsi-ifaced events 1 " BOOT "\n"
				 "event 5 1800000000 1 7 0 if0 a\n"
				 "event 6 1800000001 1 7 0 if0 b");
	open_events(BOOT);
	CU_ASSERT(are("5:a"));
	CU_ASSERT_EQUAL(happens("c"), 6);
	CU_ASSERT_EQUAL(lines.count, 0);
}

static void test_limit(void)
{
	char text[16];

	event_log_set_limit(events, 3);
	for (int i = 1; i <= 10; i++) {
		snprintf(text, sizeof(text), "%d", i);
		happens(text);
		event_log_write(events);
	}
	CU_ASSERT(are("8:8 9:9 10:10"));
	event_log_set_limit(events, 2);
	event_log_close(events);
	open_events(BOOT);
	CU_ASSERT(are("9:9 10:10"));
	/* The file does not grow for ever. */
	event_log_set_limit(events, 2);
	for (int i = 0; i < 100; i++) {
		happens("x");
		event_log_write(events);
	}
	CU_ASSERT(size_of("state/events") < 1000);
}

#define HEAD	      "iscsi-ifaced events 1 " BOOT "\n"
#define FIRST_OF_NINE 9 /* of the texts below that hold a number of up to 9 */

static void test_damaged(void)
{
	static const char *const texts[] = {
		"",
		"something else\n",
		"iscsi-ifaced events 2 boot\n",
		"iscsi-ifaced events 1 boot\nother 1\n",
		"iscsi-ifaced events 1 boot\nevent 0 1 1 7 0 if0 a\n",
		"iscsi-ifaced events 1 boot\nevent 1 1 14 7 0 if0 a\n",
		"iscsi-ifaced events 1 boot\nevent 1 1 1 7 0 if0\n",
		"iscsi-ifaced events 1 boot\nevent 1 1 1 7 0 if0 a b\n",
		"iscsi-ifaced events 1 boot\nevent 1 1 1 7 0 %ZZ a\n",
		HEAD "event 8 1 1 7 0 if0 a\nevent 9 1 1 7 0 if0\nend\n",
		HEAD "event 9 1 1 7 0 if0 a\nevent 3 1 1 7 0 if0 b\nend\n",
		HEAD "event 9 1 1 7 0 if0 a\nevent 9 1 1 7 0 if0 b\nend\n",
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		event_log_close(events);
		lines = (struct lines){ 0 };
		put_file("state/events", texts[i]);
		open_events(BOOT);
		CU_ASSERT_EQUAL(lines.errors, 1);
		CU_ASSERT(are(""));
		CU_ASSERT(happens("a") > (i < FIRST_OF_NINE ? 1000 : 1009));
		CU_ASSERT(file_is("state/eventsbad", texts[i]));
		remove_file("state/eventsbad");
	}
}

/* A number behind the damage was given, too. */
static void test_number_behind(void)
{
	event_log_close(events);
	put_file("state/events", HEAD "event 9 1 1 7 0 if0 a\nevent 3 1 1 7 0 if0 b\n"
				      "event 50000 1 1 7 0 if0 c\nend\n");
	open_events(BOOT);
	CU_ASSERT(happens("a") > 50000);
}

/* Behind the last number there is the first one, and what is kept goes up all the same. */
static void test_last_number(void)
{
	event_log_close(events);
	put_file("state/events", HEAD "event 4294967295 1 1 7 0 if0 a\nend\n");
	open_events(BOOT);
	CU_ASSERT(are("4294967295:a"));
	happens("b");
	happens("c");
	CU_ASSERT(are("1:b 2:c"));
	event_log_close(events);
	open_events(BOOT);
	CU_ASSERT(are("1:b 2:c"));
	CU_ASSERT_EQUAL(lines.count, 0);
}

static void test_memory(void)
{
	bool failed = true;
	uint32_t last = happens("a");

	for (unsigned long n = 1; failed && n < 100; n++) {
		const struct isif_event *event;

		allocation_fail_at(n, false);
		event = event_log_add(events, ISIF_HAPPENED_AGENT_STARTED, NULL, 0, "b");
		event_log_write(events);
		failed = allocation_end();
		CU_ASSERT(event || failed);
		if (event)
			CU_ASSERT_EQUAL(event->index, ++last);
	}
	CU_ASSERT_FALSE(failed);
	event_log_close(events);
	open_events(BOOT);
	CU_ASSERT_EQUAL(happens("c"), last + 1);
}

void add_event_log_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("event_log", NULL, NULL, set_up, tear_down);

	CU_add_test(suite, "events outlive a restart", test_restart);
	CU_add_test(suite, "and a kill", test_killed);
	CU_add_test(suite, "a torn line", test_torn);
	CU_add_test(suite, "so many are kept", test_limit);
	CU_add_test(suite, "a damaged file", test_damaged);
	CU_add_test(suite, "a number behind the damage", test_number_behind);
	CU_add_test(suite, "the last number", test_last_number);
	CU_add_test(suite, "memory that runs out", test_memory);
}
