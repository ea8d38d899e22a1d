/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The phases of a SET, in every order in which a master could send them. The library's transactions
 * are played (the program is linked with --wrap of isif_transaction_begin & co.), so that they can
 * fail wherever a test wants it.
 */
#include "suites.h"

#include "allocation.h"
#include "fixture.h"
#include "helpers.h"
#include "setter.h"

#include <stdio.h>
#include <string.h>

/* The linker gives these names. */
bool __real_isif_transaction_begin(struct isif_monitor *monitor, const struct isif_policy *policy,
				   const struct isif_wish *wishes, size_t count,
				   struct isif_transaction **transaction,
				   struct isif_refusal *refusal);
bool __real_isif_transaction_commit(struct isif_transaction *transaction,
				    struct isif_refusal *refusal);
bool __real_isif_transaction_undo(struct isif_transaction *transaction,
				  struct isif_refusal *refusal);
void __real_isif_transaction_end(struct isif_transaction *transaction);
bool __wrap_isif_transaction_begin(struct isif_monitor *monitor, const struct isif_policy *policy,
				   const struct isif_wish *wishes, size_t count,
				   struct isif_transaction **transaction,
				   struct isif_refusal *refusal);
bool __wrap_isif_transaction_commit(struct isif_transaction *transaction,
				    struct isif_refusal *refusal);
bool __wrap_isif_transaction_undo(struct isif_transaction *transaction,
				  struct isif_refusal *refusal);
void __wrap_isif_transaction_end(struct isif_transaction *transaction);

enum { ACTIVE = 1, CREATE_AND_GO = 4 };
enum { ID = 42 };

/* The transaction that is played, and how it shall go. */
static struct {
	bool on;
	char calls[64]; /* a letter for each: Begin, Commit, Undo, End */
	enum isif_refusal_kind begin, commit, undo;
	size_t fault; /* the wish that is refused */
	const struct isif_wish *wishes;
	size_t count;
	bool sessions;
} played;
static int transaction; /* what stands for one */

static bool play(char call, enum isif_refusal_kind refused, struct isif_refusal *refusal)
{
	played.calls[strlen(played.calls)] = call;
	if (!refused)
		return true;
	*refusal = (struct isif_refusal){ refused, played.fault, "as it was told to" };
	return false;
}

bool __wrap_isif_transaction_begin(struct isif_monitor *monitor, const struct isif_policy *policy,
				   const struct isif_wish *wishes, size_t count,
				   struct isif_transaction **made, struct isif_refusal *refusal)
{
	if (!played.on)
		return __real_isif_transaction_begin(monitor, policy, wishes, count, made, refusal);
	played.wishes = wishes;
	played.count = count;
	played.sessions = policy->sessions;
	if (!play('B', played.begin, refusal))
		return false;
	*made = (struct isif_transaction *)(void *)&transaction;
	return true;
}

bool __wrap_isif_transaction_commit(struct isif_transaction *it, struct isif_refusal *refusal)
{
	return played.on ? play('C', played.commit, refusal)
			 : __real_isif_transaction_commit(it, refusal);
}

bool __wrap_isif_transaction_undo(struct isif_transaction *it, struct isif_refusal *refusal)
{
	return played.on ? play('U', played.undo, refusal)
			 : __real_isif_transaction_undo(it, refusal);
}

void __wrap_isif_transaction_end(struct isif_transaction *it)
{
	if (!played.on)
		__real_isif_transaction_end(it);
	else if (it)
		play('E', 0, NULL);
}

/* --- one SET --- */

static struct mib_agent agent;
static struct lines lines;
static struct isif_log test_log;
static struct setter setter;

static struct oid names[8];
static struct mib_varbind varbinds[8];
static size_t count;

static void set_up(void)
{
	memset(&played, 0, sizeof(played));
	played.on = true;
	memset(&lines, 0, sizeof(lines));
	test_log = log_into(&lines);
	agent = fixture_agent;
	agent.control_mode = 3;
	agent.set_lock = 7;
	setter = (struct setter){ .agent = &agent,
				  .policy = { .sessions = true },
				  .log = &test_log };
	count = 0;
}

static void tear_down(void)
{
	setter_clear(&setter);
	played.on = false;
}

static void add_octets(const char *oid, const void *octets, size_t size)
{
	names[count] = below(oid);
	varbinds[count] = (struct mib_varbind){
		names[count].arcs, names[count].length, MIB_OCTETS, 0, octets, size
	};
	count++;
}

static void add_text(const char *oid, const char *text)
{
	add_octets(oid, text, strlen(text));
}

static void add_number(const char *oid, uint8_t tag, int64_t number)
{
	names[count] = below(oid);
	varbinds[count] = (struct mib_varbind){
		.name = names[count].arcs,
		.length = names[count].length,
		.tag = tag,
		.integer = number,
	};
	count++;
}

static struct setter_error test_set(uint32_t id)
{
	struct mib_view view = fixture_view();

	view.agent = &agent;
	return setter_test(&setter, id, varbinds, count, &view);
}

static bool answers(struct setter_error got, enum mib_error error, size_t varbind)
{
	if (got.error == error && got.varbind == varbind)
		return true;
	printf("# %s at %zu\n", mib_error_name(got.error), got.varbind);
	return false;
}

static bool succeeds(struct setter_error got)
{
	return answers(got, MIB_NO_ERROR, 0);
}

/* What became of the transaction so far. */
static bool called(const char *calls)
{
	if (!strcmp(played.calls, calls))
		return true;
	printf("# %s\n", played.calls);
	return false;
}

static bool said(const char *text)
{
	if (strstr(lines.all, text))
		return true;
	printf("# %s\n", lines.all);
	return false;
}

/* --- TestSet --- */

static void test_success(void)
{
	add_text("3.1.6.1.98", "san1");
	add_number("5.1.8.5", MIB_INTEGER, 1);
	CU_ASSERT_TRUE(succeeds(test_set(ID)));
	CU_ASSERT_TRUE(called("B"));
	CU_ASSERT_EQUAL(played.count, 2);
	CU_ASSERT_TRUE(played.sessions);
	CU_ASSERT_EQUAL(played.wishes[0].kind, ISIF_WISH_IFACE_SETTING);
	CU_ASSERT_EQUAL(played.wishes[1].kind, ISIF_WISH_BINDING_STARTUP);
	CU_ASSERT_TRUE(succeeds(setter_commit(&setter, ID)));
	CU_ASSERT_TRUE(called("BC"));
	CU_ASSERT_EQUAL(lines.count, 0);
	setter_cleanup(&setter, ID);
	CU_ASSERT_TRUE(called("BCE"));
	CU_ASSERT_EQUAL(lines.count, 2);
	CU_ASSERT_EQUAL(setter_timeout(&setter, 0), -1);
}

/* Another varbind was refused: CleanupSet without a commit. */
static void test_no_commit(void)
{
	add_text("3.1.6.1.98", "san1");
	add_number("1.5.0", MIB_INTEGER, 7);
	CU_ASSERT_TRUE(succeeds(test_set(ID)));
	setter_cleanup(&setter, ID);
	CU_ASSERT_TRUE(called("BE"));
	CU_ASSERT_EQUAL(lines.count, 0);
	CU_ASSERT_EQUAL(agent.set_lock, 7);
}

static void test_read_only(void)
{
	agent.control_mode = 1;
	add_number("3.1.10.1.98", 0, 0);
	add_text("3.1.6.1.98", "san1");
	CU_ASSERT_TRUE(answers(test_set(ID), MIB_NOT_WRITABLE, 0));
	CU_ASSERT_TRUE(called(""));
	CU_ASSERT_EQUAL(lines.count, 1);
	CU_ASSERT_TRUE(said("SET 42 refused, notWritable for .1.3.6."));
	CU_ASSERT_TRUE(said(".1.3.1.10.1.98: controlMode is readOnly"));
}

static void test_first_fault(void)
{
	add_text("3.1.6.1.98", "san1");
	add_text("3.1.6.2.97.97", "a name that is too long");
	add_number("3.1.6.1.99", MIB_INTEGER, 1);
	CU_ASSERT_TRUE(answers(test_set(ID), MIB_WRONG_LENGTH, 1));
	CU_ASSERT_TRUE(called(""));
	CU_ASSERT_EQUAL(lines.count, 1);
	CU_ASSERT_TRUE(said("SET 42 refused, wrongLength for .1.3.6."));
	CU_ASSERT_TRUE(said(".1.3.1.6.2.97.97: "));
	CU_ASSERT_TRUE(answers(setter_commit(&setter, ID), MIB_COMMIT_FAILED, 0));
	CU_ASSERT_TRUE(succeeds(setter_undo(&setter, ID)));
	setter_cleanup(&setter, ID);
}

/* The varbind of a wish, with one between them that is no wish. */
static void test_refused(void)
{
	add_text("3.1.6.1.98", "san1");
	add_number("1.5.0", MIB_INTEGER, 7);
	add_number("5.1.8.5", MIB_INTEGER, 1);
	played.begin = ISIF_REFUSED_NAME;
	played.fault = 1;
	CU_ASSERT_TRUE(answers(test_set(ID), MIB_INCONSISTENT_NAME, 2));
	CU_ASSERT_TRUE(called("B"));
	CU_ASSERT_EQUAL(lines.count, 1);
	CU_ASSERT_TRUE(said("inconsistentName for .1.3.6."));
	CU_ASSERT_TRUE(said(".1.5.1.8.5: as it was told to"));
	CU_ASSERT_EQUAL(agent.set_lock, 7);
}

static void test_twice(void)
{
	add_text("3.1.6.1.98", "san1");
	add_number("5.1.8.5", MIB_INTEGER, 1);
	add_number("3.1.15.1.98", MIB_INTEGER, 1);
	add_number("5.1.8.5", MIB_INTEGER, 1);
	add_text("3.1.6.1.98", "san1");
	CU_ASSERT_TRUE(answers(test_set(ID), MIB_INCONSISTENT_VALUE, 3));
	CU_ASSERT_TRUE(called(""));
	CU_ASSERT_EQUAL(lines.count, 1);
}

/* The caller's varbinds are gone when CommitSet comes. */
static void test_copies(void)
{
	char text[] = "san1";

	add_text("3.1.6.1.98", text);
	add_text("4.1.2.1.98.3.116.116.108", "");
	CU_ASSERT_TRUE(succeeds(test_set(ID)));
	memset(text, 'x', sizeof(text));
	memset(names, 0, sizeof(names));
	memset(varbinds, 0, sizeof(varbinds));
	CU_ASSERT_EQUAL(played.wishes[0].length, 4);
	CU_ASSERT_TRUE(!memcmp(played.wishes[0].text, "san1", 4));
	CU_ASSERT_STRING_EQUAL(played.wishes[0].iface, "b");
	CU_ASSERT_STRING_EQUAL(played.wishes[1].setting, "ttl");
	played.commit = ISIF_REFUSED_FAILED;
	CU_ASSERT_TRUE(answers(setter_commit(&setter, ID), MIB_COMMIT_FAILED, 0));
	CU_ASSERT_TRUE(said(".1.3.1.6.1.98: as it was told to"));
}

static void test_nothing(void)
{
	CU_ASSERT_TRUE(succeeds(test_set(ID)));
	CU_ASSERT_TRUE(answers(setter_commit(&setter, ID), MIB_COMMIT_FAILED, 0));
	CU_ASSERT_TRUE(succeeds(setter_undo(&setter, ID)));
	setter_cleanup(&setter, ID);
	CU_ASSERT_TRUE(called(""));
}

/* --- iscsiIfaceSetLock (RFC 2579, TestAndIncr) --- */

static void test_lock(void)
{
	add_number("1.5.0", MIB_INTEGER, 7);
	CU_ASSERT_TRUE(succeeds(test_set(ID)));
	CU_ASSERT_TRUE(succeeds(setter_commit(&setter, ID)));
	CU_ASSERT_EQUAL(agent.set_lock, 7);
	setter_cleanup(&setter, ID);
	CU_ASSERT_EQUAL(agent.set_lock, 8);
	CU_ASSERT_TRUE(called(""));
	CU_ASSERT_TRUE(said(".1.1.5.0: 7 -> 8"));
	CU_ASSERT_TRUE(answers(test_set(ID), MIB_INCONSISTENT_VALUE, 0));
}

static void test_lock_fails(void)
{
	add_text("3.1.6.1.98", "san1");
	add_number("1.5.0", MIB_INTEGER, 6);
	CU_ASSERT_TRUE(answers(test_set(ID), MIB_INCONSISTENT_VALUE, 1));
	CU_ASSERT_TRUE(called(""));
	count = 0;
	add_number("1.5.0", MIB_INTEGER, 7);
	add_number("1.5.0", MIB_INTEGER, 7);
	CU_ASSERT_TRUE(answers(test_set(ID), MIB_INCONSISTENT_VALUE, 1));
}

static void test_lock_undone(void)
{
	add_number("1.5.0", MIB_INTEGER, 7);
	CU_ASSERT_TRUE(succeeds(test_set(ID)));
	CU_ASSERT_TRUE(succeeds(setter_commit(&setter, ID)));
	CU_ASSERT_TRUE(succeeds(setter_undo(&setter, ID)));
	setter_cleanup(&setter, ID);
	CU_ASSERT_EQUAL(agent.set_lock, 7);
}

static void test_lock_wraps(void)
{
	agent.set_lock = INT32_MAX;
	add_number("1.5.0", MIB_INTEGER, INT32_MAX);
	CU_ASSERT_TRUE(succeeds(test_set(ID)));
	CU_ASSERT_TRUE(succeeds(setter_commit(&setter, ID)));
	setter_cleanup(&setter, ID);
	CU_ASSERT_EQUAL(agent.set_lock, 0);
}

/* --- the other phases --- */

static void begin_set(void)
{
	add_text("3.1.6.1.98", "san1");
	CU_ASSERT_TRUE_FATAL(succeeds(test_set(ID)));
}

static void test_one_at_a_time(void)
{
	begin_set();
	CU_ASSERT_TRUE(answers(test_set(ID + 1), MIB_RESOURCE_UNAVAILABLE, 0));
	CU_ASSERT_TRUE(answers(setter_commit(&setter, ID + 1), MIB_COMMIT_FAILED, 0));
	CU_ASSERT_TRUE(succeeds(setter_undo(&setter, ID + 1)));
	setter_cleanup(&setter, ID + 1);
	CU_ASSERT_TRUE(called("B"));
	CU_ASSERT_TRUE(succeeds(setter_commit(&setter, ID)));
	CU_ASSERT_TRUE(called("BC"));
}

/* A master that asks again, because the answer was late. */
static void test_again(void)
{
	begin_set();
	CU_ASSERT_TRUE(succeeds(test_set(ID)));
	CU_ASSERT_TRUE(called("BEB"));
	CU_ASSERT_TRUE(succeeds(setter_commit(&setter, ID)));
	CU_ASSERT_TRUE(answers(setter_commit(&setter, ID), MIB_COMMIT_FAILED, 0));
	CU_ASSERT_TRUE(succeeds(test_set(ID)));
	CU_ASSERT_TRUE(called("BEBCUEB"));
}

static void test_commit_fails(void)
{
	begin_set();
	played.commit = ISIF_REFUSED_FAILED;
	CU_ASSERT_TRUE(answers(setter_commit(&setter, ID), MIB_COMMIT_FAILED, 0));
	CU_ASSERT_TRUE(called("BCE"));
	CU_ASSERT_EQUAL(lines.errors, 1);
	CU_ASSERT_TRUE(said("SET 42 failed, commitFailed for .1.3.6."));
	/* Net-SNMP undoes what was not committed, too. */
	CU_ASSERT_TRUE(succeeds(setter_undo(&setter, ID)));
	setter_cleanup(&setter, ID);
	CU_ASSERT_TRUE(called("BCE"));
	CU_ASSERT_EQUAL(lines.count, 1);
}

static void test_undo(void)
{
	begin_set();
	CU_ASSERT_TRUE(succeeds(setter_commit(&setter, ID)));
	CU_ASSERT_TRUE(succeeds(setter_undo(&setter, ID)));
	CU_ASSERT_TRUE(called("BCUE"));
	CU_ASSERT_TRUE(said("SET 42 is taken back"));
	setter_cleanup(&setter, ID);
	CU_ASSERT_EQUAL(lines.count, 1);
}

static void test_undo_without_commit(void)
{
	begin_set();
	CU_ASSERT_TRUE(succeeds(setter_undo(&setter, ID)));
	CU_ASSERT_TRUE(called("BE"));
}

static void test_undo_fails(void)
{
	begin_set();
	played.undo = ISIF_REFUSED_UNDO;
	CU_ASSERT_TRUE(succeeds(setter_commit(&setter, ID)));
	CU_ASSERT_TRUE(answers(setter_undo(&setter, ID), MIB_UNDO_FAILED, 0));
	CU_ASSERT_TRUE(called("BCUE"));
	CU_ASSERT_EQUAL(lines.errors, 1);
	CU_ASSERT_TRUE(said("SET 42 failed, undoFailed for .1.3.6."));
}

/* --- a master that does not go on --- */

static void test_tested_only(void)
{
	CU_ASSERT_EQUAL(setter_timeout(&setter, 0), -1);
	begin_set();
	setter_run(&setter, 0);
	CU_ASSERT_TRUE(called("B"));
	CU_ASSERT_EQUAL(setter_timeout(&setter, UINT64_MAX), 0);
	setter_run(&setter, UINT64_MAX);
	CU_ASSERT_TRUE(called("BE"));
	CU_ASSERT_TRUE(said("SET 42 was not finished by the AgentX master: nothing was changed"));
	CU_ASSERT_EQUAL(setter_timeout(&setter, 0), -1);
	setter_run(&setter, UINT64_MAX);
	CU_ASSERT_EQUAL(lines.count, 1);
}

static void test_committed_only(void)
{
	begin_set();
	CU_ASSERT_TRUE(succeeds(setter_commit(&setter, ID)));
	setter_run(&setter, UINT64_MAX);
	CU_ASSERT_TRUE(called("BCUE"));
	CU_ASSERT_TRUE(said("SET 42 was not finished by the AgentX master: it is taken back"));
	CU_ASSERT_TRUE(answers(setter_commit(&setter, ID), MIB_COMMIT_FAILED, 0));
}

static void test_disconnected(void)
{
	enum { GONE = 1000, GRACE = 100 };

	setter_disconnected(&setter, GONE);
	CU_ASSERT_EQUAL(setter_timeout(&setter, GONE), -1);
	begin_set();
	CU_ASSERT_TRUE(succeeds(setter_commit(&setter, ID)));
	setter_disconnected(&setter, GONE);
	CU_ASSERT_EQUAL(setter_timeout(&setter, GONE), GRACE);
	/* Not longer, if it says so again. */
	setter_disconnected(&setter, GONE + 50);
	CU_ASSERT_EQUAL(setter_timeout(&setter, GONE), GRACE);
	setter_run(&setter, GONE + GRACE - 1);
	CU_ASSERT_TRUE(called("BC"));
	setter_run(&setter, GONE + GRACE);
	CU_ASSERT_TRUE(called("BCUE"));
}

/* What the master had said before it went arrives in the time of grace. */
static void test_late_cleanup(void)
{
	begin_set();
	CU_ASSERT_TRUE(succeeds(setter_commit(&setter, ID)));
	setter_disconnected(&setter, 1000);
	setter_cleanup(&setter, ID);
	setter_run(&setter, UINT64_MAX);
	CU_ASSERT_TRUE(called("BCE"));
}

static void test_clear(void)
{
	begin_set();
	CU_ASSERT_TRUE(succeeds(setter_commit(&setter, ID)));
	setter_clear(&setter);
	CU_ASSERT_TRUE(called("BCUE"));
	setter_clear(&setter);
}

/* --- the log --- */

static void finish(void)
{
	CU_ASSERT_TRUE(succeeds(test_set(ID)));
	CU_ASSERT_TRUE(succeeds(setter_commit(&setter, ID)));
	setter_cleanup(&setter, ID);
}

static void test_audit(void)
{
	char sign;
	int used = 0, year, n[7];

	add_text("3.1.6.1.98", "san1");
	add_octets("3.1.5.1.98", "\xc0\0\2\1", 4);
	add_number("3.1.4.1.98", MIB_INTEGER, 1);
	add_number("3.1.15.1.98", MIB_INTEGER, 1); /* what it is */
	add_text("5.1.3.5", "iqn.a");		   /* a guard: what it is */
	add_text("3.1.7.1.99", "iqn.mine");
	add_number("3.1.19.1.99", MIB_INTEGER, CREATE_AND_GO);
	add_number("11.2.0", MIB_UNSIGNED, UINT32_MAX);
	finish();
	CU_ASSERT_EQUAL(lines.count, 6);
	CU_ASSERT_TRUE(said(".1.3.1.6.1.98: \"san0\" -> \"san1\"\n"));
	CU_ASSERT_TRUE(said(".1.3.1.5.1.98: \"\" -> 0xc0000201\n"));
	CU_ASSERT_TRUE(said(".1.3.1.4.1.98: 0 -> 1\n"));
	CU_ASSERT_TRUE(said(".1.3.1.7.1.99: (none) -> \"iqn.mine\"\n"));
	CU_ASSERT_TRUE(said(".1.3.1.19.1.99: (none) -> 4\n"));
	CU_ASSERT_TRUE(said(".1.11.2.0: 60 -> 4294967295\n"));
	/* ISO 8601 */
	CU_ASSERT_EQUAL(sscanf(lines.all, "%4d-%2d-%2dT%2d:%2d:%2d%c%2d:%2d SET 42 changed .1.3%n",
			       &year, &n[0], &n[1], &n[2], &n[3], &n[4], &sign, &n[5], &n[6],
			       &used),
			9);
	CU_ASSERT_TRUE(used > 0);
	CU_ASSERT_TRUE(sign == '+' || sign == '-');
}

/* A value that is too long for a line is cut, also one that has no letters. */
static void test_audit_cut(void)
{
	char letters[255], octets[255];
	const char *at;

	memset(letters, 'x', sizeof(letters));
	add_octets("3.1.7.1.98", letters, sizeof(letters));
	memset(octets, '\xff', sizeof(octets));
	add_octets("3.1.7.1.99", octets, sizeof(octets));
	finish();
	CU_ASSERT_EQUAL(lines.count, 2);
	at = strstr(lines.all, "-> \"x");
	CU_ASSERT_TRUE(at && strcspn(at, "\n") <= 3 + 255);
	at = strstr(lines.all, "-> 0xff");
	CU_ASSERT_TRUE(at && strcspn(at, "\n") <= 3 + 255);
}

static void test_longest_name(void)
{
	names[0] = below("3.1.7");
	while (names[0].length < MIB_OID_LIMIT)
		names[0].arcs[names[0].length++] = UINT32_MAX;
	varbinds[count++] =
		(struct mib_varbind){ names[0].arcs, MIB_OID_LIMIT, MIB_OCTETS, 0, "", 0 };
	CU_ASSERT_TRUE(answers(test_set(ID), MIB_NO_CREATION, 0));
	CU_ASSERT_TRUE(said("noCreation for .1.3.6."));
	CU_ASSERT_TRUE(said(": no instance"));
}

/* --- memory --- */

static void test_memory(void)
{
	bool failed = true;

	add_text("3.1.6.1.98", "san1");
	add_number("3.1.19.1.98", MIB_INTEGER, ACTIVE);
	for (unsigned long n = 1; failed && n < 100; n++) {
		struct setter_error error;

		allocation_fail_at(n, false);
		error = test_set(ID);
		failed = allocation_end();
		CU_ASSERT_TRUE(answers(error, failed ? MIB_RESOURCE_UNAVAILABLE : MIB_NO_ERROR, 0));
	}
	CU_ASSERT_FALSE(failed);
	CU_ASSERT_TRUE(called("B"));
}

void add_setter_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("setter", NULL, NULL, set_up, tear_down);

	CU_add_test(suite, "test, commit, cleanup", test_success);
	CU_add_test(suite, "test, cleanup", test_no_commit);
	CU_add_test(suite, "readOnly", test_read_only);
	CU_add_test(suite, "the first varbind at fault", test_first_fault);
	CU_add_test(suite, "a refusal names its varbind", test_refused);
	CU_add_test(suite, "an instance that is there twice", test_twice);
	CU_add_test(suite, "what was asked for is kept", test_copies);
	CU_add_test(suite, "nothing at all", test_nothing);
	CU_add_test(suite, "the lock goes up when it has happened", test_lock);
	CU_add_test(suite, "a lock that somebody else took", test_lock_fails);
	CU_add_test(suite, "a lock of what was undone", test_lock_undone);
	CU_add_test(suite, "a lock at its end", test_lock_wraps);
	CU_add_test(suite, "one SET at a time", test_one_at_a_time);
	CU_add_test(suite, "the same test again", test_again);
	CU_add_test(suite, "a commit that fails", test_commit_fails);
	CU_add_test(suite, "undo", test_undo);
	CU_add_test(suite, "undo of what was not committed", test_undo_without_commit);
	CU_add_test(suite, "an undo that fails", test_undo_fails);
	CU_add_test(suite, "a master that says no more after the test", test_tested_only);
	CU_add_test(suite, "a master that says no more after the commit", test_committed_only);
	CU_add_test(suite, "a master that is gone", test_disconnected);
	CU_add_test(suite, "a cleanup that was on its way", test_late_cleanup);
	CU_add_test(suite, "the end of the agent", test_clear);
	CU_add_test(suite, "what the log says of changes", test_audit);
	CU_add_test(suite, "values that are cut", test_audit_cut);
	CU_add_test(suite, "the longest name", test_longest_name);
	CU_add_test(suite, "memory that runs out", test_memory);
}
