/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What outlives a restart: the state file, with the real gate to a state directory. */
#include "suites.h"

#include <isif/privileged.h>

#include "helpers.h"
#include "state_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOW  1800000000
#define HOUR 3600

static struct isif_privileged *gate;
static struct isif_names *names;
static struct lines lines;
static struct isif_log log_here;
static struct state *state;

static void open_state(void)
{
	CU_ASSERT_EQUAL_FATAL(state_open(gate, names, &log_here, &state), ISIF_OK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(state);
}

static void set_up(void)
{
	scratch_make();
	names = isif_names_new();
	lines = (struct lines){ 0 };
	log_here = log_into(&lines);
	CU_ASSERT_EQUAL_FATAL(open_writing_gate(scratch("."), &log_here, &gate), ISIF_OK);
	open_state();
}

static void tear_down(void)
{
	state_close(state);
	state = NULL;
	isif_privileged_close(gate);
	isif_names_free(names);
	scratch_remove();
}

static void reopen(void)
{
	CU_ASSERT_EQUAL(state_save(state), ISIF_OK);
	state_close(state);
	open_state();
}

/* A node record as far as the state looks at it; held by nobody. */
struct key {
	const char *target, *address, *iface;
	uint16_t port;
	int32_t tpgt;
};

static struct binding_memory *remember(const struct key *key)
{
	struct isif_node node = {
		.references = 1,
		.target = isif_name_get(names, key->target, strlen(key->target)),
		.address = isif_name_get(names, key->address, strlen(key->address)),
		.iface = isif_name_get(names, key->iface, strlen(key->iface)),
		.port = key->port,
		.tpgt = key->tpgt,
	};
	struct binding_memory *memory = state_binding(state, &node);

	CU_ASSERT_PTR_NOT_NULL_FATAL(memory);
	memory->generation = state->generation;
	isif_name_release(node.target);
	isif_name_release(node.address);
	isif_name_release(node.iface);
	return memory;
}

static struct target_memory *remember_target(const char *text)
{
	struct isif_name *name = isif_name_get(names, text, strlen(text));
	struct target_memory *memory = state_target(state, name);

	CU_ASSERT_PTR_NOT_NULL_FATAL(memory);
	memory->generation = state->generation;
	isif_name_release(name);
	return memory;
}

static const struct key a = { "iqn.a", "192.0.2.1", "if0", 3260, 1 };

/* One build that sees the records of these keys, or none (NULL). */
static void build(const struct key *seen, int64_t wall)
{
	state_begin(state);
	if (seen) {
		remember(seen);
		remember_target(seen->target);
	}
	state_end(state, wall);
}

static void test_own_index(void)
{
	static const struct key others[] = {
		{ "iqn.b", "192.0.2.1", "if0", 3260, 1 }, { "iqn.a", "192.0.2.2", "if0", 3260, 1 },
		{ "iqn.a", "192.0.2.1", "if1", 3260, 1 }, { "iqn.a", "192.0.2.1", "if0", 3261, 1 },
		{ "iqn.a", "192.0.2.1", "if0", 3260, 2 }, { "iqn.a", "192.0.2.1", "if0", 3260, -1 },
	};
	uint32_t index = remember(&a)->index;

	CU_ASSERT_TRUE(index >= 1u << 30 && index <= 0x7fffffffu);
	CU_ASSERT_EQUAL(remember(&a)->index, index);
	for (size_t i = 0; i < COUNT(others); i++) {
		uint32_t other = remember(&others[i])->index;

		CU_ASSERT_NOT_EQUAL(other, index);
		for (size_t j = 0; j < i; j++)
			CU_ASSERT_NOT_EQUAL(other, remember(&others[j])->index);
	}
	index = remember_target("iqn.a")->index;
	CU_ASSERT_TRUE(index >= 1 && index <= 0x7fffffffu);
	CU_ASSERT_EQUAL(remember_target("iqn.a")->index, index);
	CU_ASSERT_NOT_EQUAL(remember_target("iqn.b")->index, index);
}

/* A binding gets another name, and its session stays with the old one, and comes back with it. */
static void test_session_left(void)
{
	static const struct key moved = { "iqn.a", "192.0.2.1", "if7", 3260, 1 };
	struct binding_memory *memory = remember(&a), *left;
	const uint32_t index = memory->index;
	uint32_t other;

	memory->admin = ISIF_ADMIN_LOGGED_IN;
	memory->oper = ISIF_OPER_LOGGED_IN;
	memory->sid = 5;
	memory->losses = 3;
	memory->last_loss = NOW - HOUR;
	memory->up_since = NOW;
	memory->up_since_mono = 77;
	state_set_error(state, memory, "it was lost");
	state_take_binding(state, memory);
	left = state_leave_session(state, memory);
	CU_ASSERT_PTR_NOT_NULL_FATAL(left);
	isif_name_release(memory->iface);
	memory->iface = isif_name_get(names, "if7", 3);
	CU_ASSERT_TRUE_FATAL(state_add_binding(state, memory));
	other = left->index;
	CU_ASSERT_NOT_EQUAL(other, index);
	CU_ASSERT_PTR_EQUAL(remember(&a), left);
	CU_ASSERT_PTR_EQUAL(remember(&moved), memory);
	CU_ASSERT_EQUAL(left->sid, 5);
	CU_ASSERT_EQUAL(left->oper, ISIF_OPER_LOGGED_IN);
	CU_ASSERT_EQUAL(left->up_since, NOW);
	CU_ASSERT_EQUAL(left->losses, 0);
	CU_ASSERT_PTR_NULL(left->last_error);
	CU_ASSERT_EQUAL(memory->sid, 0);
	CU_ASSERT_EQUAL(memory->oper, 0);
	CU_ASSERT_EQUAL(memory->up_since, 0);
	CU_ASSERT_EQUAL(memory->losses, 3);
	CU_ASSERT_EQUAL(memory->admin, ISIF_ADMIN_LOGGED_IN);
	reopen();
	CU_ASSERT_EQUAL(remember(&a)->index, other);
	CU_ASSERT_EQUAL(remember(&moved)->index, index);
	/* And back, after a loss of the old session meanwhile. */
	memory = remember(&moved);
	left = remember(&a);
	left->losses = 1;
	left->last_loss = NOW + HOUR;
	state_move_back(state, memory, left);
	CU_ASSERT_PTR_EQUAL(remember(&a), memory);
	CU_ASSERT_EQUAL(state->bindings.used, 1);
	CU_ASSERT_EQUAL(memory->index, index);
	CU_ASSERT_EQUAL(memory->sid, 5);
	CU_ASSERT_EQUAL(memory->oper, ISIF_OPER_LOGGED_IN);
	CU_ASSERT_EQUAL(memory->up_since, NOW);
	CU_ASSERT_EQUAL(memory->losses, 4);
	CU_ASSERT_EQUAL(memory->last_loss, NOW + HOUR);
	CU_ASSERT_STRING_EQUAL(memory->last_error->text, "it was lost");
	reopen();
	CU_ASSERT_EQUAL(remember(&a)->index, index);
	CU_ASSERT_EQUAL(state->bindings.used, 1);
}

static void test_restart(void)
{
	static const struct key b = { "iqn.b", "fd00::1", "if1", 860, -1 };
	uint32_t one = remember(&a)->index, two = remember(&b)->index;
	uint32_t target = remember_target("iqn.a")->index;

	reopen();
	CU_ASSERT_EQUAL(remember(&a)->index, one);
	CU_ASSERT_EQUAL(remember(&b)->index, two);
	CU_ASSERT_EQUAL(remember_target("iqn.a")->index, target);
	CU_ASSERT_EQUAL(lines.count, 0);
}

/* An index that was given once is not given again, not even after a restart. */
static void test_no_reuse(void)
{
	static const struct key b = { "iqn.b", "192.0.2.1", "if0", 3260, 1 };
	uint32_t index = remember(&a)->index;

	build(NULL, NOW);
	build(NULL, NOW + 25 * HOUR);
	CU_ASSERT_EQUAL(state->bindings.used, 0);
	reopen();
	CU_ASSERT_NOT_EQUAL(remember(&b)->index, index);
	CU_ASSERT_NOT_EQUAL(remember(&a)->index, index);
}

static void test_memory(void)
{
	struct binding_memory *memory = remember(&a);

	memory->admin = ISIF_ADMIN_LOGGED_OUT;
	memory->oper = ISIF_OPER_LOST;
	memory->sid = 0xfffffffe;
	memory->losses = 0xffffffff;
	memory->up_since = NOW;
	memory->last_loss = NOW - 1;
	memory->up_since_mono = 1ull << 40;
	memory->last_error = isif_name_get(names, "100% lost\n", 10);
	reopen();
	memory = remember(&a);
	CU_ASSERT_EQUAL(memory->admin, ISIF_ADMIN_LOGGED_OUT);
	CU_ASSERT_EQUAL(memory->oper, ISIF_OPER_LOST);
	CU_ASSERT_EQUAL(memory->sid, 0xfffffffe);
	CU_ASSERT_EQUAL(memory->losses, 0xffffffff);
	CU_ASSERT_EQUAL(memory->up_since, NOW);
	CU_ASSERT_EQUAL(memory->last_loss, NOW - 1);
	CU_ASSERT_EQUAL(memory->up_since_mono, 1ull << 40);
	CU_ASSERT_PTR_NOT_NULL_FATAL(memory->last_error);
	CU_ASSERT_STRING_EQUAL(memory->last_error->text, "100% lost\n");
}

static void test_other_boot(void)
{
	struct binding_memory *memory = remember(&a);
	uint32_t index = memory->index;

	memory->admin = ISIF_ADMIN_LOGGED_IN;
	memory->oper = ISIF_OPER_LOGGED_IN;
	memory->sid = 7;
	memory->losses = 3;
	memory->up_since = NOW;
	memory->up_since_mono = 1000;
	snprintf(state->boot, sizeof(state->boot), "00000000-0000-0000-0000-000000000000");
	reopen();
	memory = remember(&a);
	CU_ASSERT_EQUAL(memory->index, index);
	CU_ASSERT_EQUAL(memory->admin, ISIF_ADMIN_LOGGED_IN);
	CU_ASSERT_EQUAL(memory->losses, 3);
	CU_ASSERT_EQUAL(memory->oper, 0);
	CU_ASSERT_EQUAL(memory->sid, 0);
	CU_ASSERT_EQUAL(memory->up_since, 0);
	CU_ASSERT_EQUAL(memory->up_since_mono, 0);
}

static void test_within_a_day(void)
{
	uint32_t index = remember(&a)->index, target = remember_target("iqn.a")->index;

	build(&a, NOW);
	build(NULL, NOW + 1);
	reopen();
	build(NULL, NOW + 1 + 24 * HOUR);
	build(&a, NOW + 1 + 24 * HOUR);
	CU_ASSERT_EQUAL(remember(&a)->index, index);
	CU_ASSERT_EQUAL(remember_target("iqn.a")->index, target);
	/* And the day begins anew. */
	build(NULL, NOW + 30 * HOUR);
	build(NULL, NOW + 53 * HOUR);
	CU_ASSERT_EQUAL(remember(&a)->index, index);
}

static void test_after_a_day(void)
{
	uint32_t index = remember(&a)->index, target = remember_target("iqn.a")->index;

	build(&a, NOW);
	build(NULL, NOW + 1);
	build(NULL, NOW + 2 + 24 * HOUR);
	CU_ASSERT_NOT_EQUAL(remember(&a)->index, index);
	CU_ASSERT_NOT_EQUAL(remember_target("iqn.a")->index, target);
}

static void test_clock_set_back(void)
{
	uint32_t index = remember(&a)->index;

	build(NULL, NOW);
	build(NULL, NOW - HOUR);
	CU_ASSERT_EQUAL(remember(&a)->index, index);
}

static void test_many_go(void)
{
	char target[32];

	for (unsigned i = 0; i < 500; i++) {
		snprintf(target, sizeof(target), "iqn.%u", i);
		remember(&(struct key){ target, "192.0.2.1", "if0", 3260, 1 });
		remember_target(target);
	}
	build(&a, NOW);
	build(&a, NOW + 25 * HOUR);
	CU_ASSERT_EQUAL(state->bindings.used, 1);
	CU_ASSERT_EQUAL(state->targets.used, 1);
	remember(&a);
}

static void test_odd_names(void)
{
	static const struct key odd[] = {
		{ "iqn.a\nbinding 1", "a b", "%", 1, 1 },
		{ "%25", "%%", "% %41", 2, 2 },
		{ "\x80\xff\x01\x7f", "fe80::1%eth0", " ", 3, 3 },
		{ "\t", "%0A", "end\nend", 4, 4 },
	};
	uint32_t indexes[COUNT(odd)], targets[COUNT(odd)];

	for (size_t i = 0; i < COUNT(odd); i++) {
		indexes[i] = remember(&odd[i])->index;
		targets[i] = remember_target(odd[i].target)->index;
	}
	reopen();
	CU_ASSERT_EQUAL(state->bindings.used, COUNT(odd));
	for (size_t i = 0; i < COUNT(odd); i++) {
		CU_ASSERT_EQUAL(remember(&odd[i])->index, indexes[i]);
		CU_ASSERT_EQUAL(remember_target(odd[i].target)->index, targets[i]);
	}
	CU_ASSERT_EQUAL(lines.count, 0);
}

static void test_long_names(void)
{
	char target[256], address[256], iface[65];
	struct key key = { target, address, iface, 3260, 1 };
	uint32_t index;

	memset(target, '\x80', sizeof(target) - 1);
	memset(address, '%', sizeof(address) - 1);
	memset(iface, ' ', sizeof(iface) - 1);
	target[255] = address[255] = iface[64] = '\0';
	index = remember(&key)->index;
	reopen();
	CU_ASSERT_EQUAL(remember(&key)->index, index);
}

#define HEAD		  "iscsi-ifaced state 1\nboot x\nnext 1073741824 1\n"
#define BINDING(n, iface) "binding " n " 1 1 0 0 0 0 0 0 3260 1 192.0.2.1 " iface " iqn.a %\n"

/* Each way in which a file can be damaged: put aside, told, and new indexes from a new base. */
static void test_damaged(void)
{
	static const char *const texts[] = {
		"",
		"something else\n",
		"iscsi-ifaced state 1\n",
		"iscsi-ifaced state 1\nboot x\nnext 1073741824 1\n",
		"iscsi-ifaced state 1\nboot x\nnext 1 1\nend\n",
		"iscsi-ifaced state 1\nboot x\nnext 1073741824 0\nend\n",
		"iscsi-ifaced state 1\nboot x\nnext 1073741824 1\nbinding 1\nend\n",
		"iscsi-ifaced state 1\nboot x\nnext 1073741824 1\ntarget 1 0 %ZZ\nend\n",
		"iscsi-ifaced state 1\nboot x\nnext 1073741824 1\ntarget 0 0 a\nend\n",
		"iscsi-ifaced state 1\nboot x\nnext 1073741824 1\n"
		"binding 5 9 0 0 0 0 0 0 0 3260 1 a b c %\nend\n",
		"iscsi-ifaced state 1\nboot x\nnext 1073741824 1\n"
		"binding 5 1 9 0 0 0 0 0 0 3260 1 a b c %\nend\n",
		"iscsi-ifaced state 1\nboot x\nnext 1073741824 1\n"
		"binding 5 1 1 0 0 0 0 0 0 65536 1 a b c %\nend\n",
		"iscsi-ifaced state 1\nboot x\nnext 1073741824 1\n"
		"binding 5 1 1 0 0 0 0 0 0 3260 1 a b c %",
		/* Two bindings or targets have one index, or the other way round. */
		HEAD BINDING("5", "if0") BINDING("5", "if1") "end\n",
		HEAD BINDING("5", "if0") BINDING("6", "if0") "end\n",
		HEAD BINDING("5", "if0") "end\nnext 1073741824 1\n" BINDING("5", "if1") "end\n",
		HEAD BINDING("5", "if0") "end\nnext 1073741824 1\n" BINDING("6", "if0") "end\n",
		HEAD "target 1 0 iqn.a\ntarget 1 0 iqn.b\nend\n",
		HEAD "target 1 0 iqn.a\ntarget 2 0 iqn.a\nend\n",
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		state_close(state);
		lines = (struct lines){ 0 };
		put_file("state/state", texts[i]);
		open_state();
		CU_ASSERT_EQUAL(lines.errors, 1);
		CU_ASSERT_TRUE(file_is("state/statebad", texts[i]));
		CU_ASSERT_EQUAL(state->bindings.used, 0);
		CU_ASSERT_EQUAL(state->targets.used, 0);
		CU_ASSERT_TRUE(remember(&a)->index >= 1u << 30);
		/* It is told once, even if nothing happens. */
		reopen();
		CU_ASSERT_EQUAL(lines.errors, 1);
		if (lines.errors != 1)
			printf("# case %zu\n", i);
		remove(scratch("state/statebad"));
		remove(scratch("state/state"));
	}
}

/* No number that a damaged file has is given again, not even one behind the damage. */
static void test_damaged_numbers(void)
{
	state_close(state);
	put_file("state/state",
		 HEAD BINDING("2147400000", "if0") BINDING("9", "if1") BINDING("9", "if2")
			 BINDING("2147483000", "if3") "target 2147483001 0 iqn.a\nend\n");
	open_state();
	CU_ASSERT_TRUE(remember(&a)->index > 2147483000);
	CU_ASSERT_TRUE(remember_target("iqn.b")->index > 2147483001);
	CU_ASSERT_EQUAL(state->manager_index, 9);
}

/* It is said, and the next save replaces it. */
static void test_unreadable(void)
{
	put_file("state/elsewhere", "iscsi-ifaced state 1\nboot x\nnext 1073741824 1\nend\n");
	for (int damaged = 0; damaged < 2; damaged++) {
		state_close(state);
		lines = (struct lines){ 0 };
		remove(scratch("state/state"));
		if (damaged) {
			put_file("state/state", "something else\n");
			put_directory("state/statebad.new");
		} else {
			put_link("state/state", "elsewhere");
		}
		open_state();
		CU_ASSERT_EQUAL(lines.errors, 1);
		CU_ASSERT_PTR_NOT_NULL(strstr(lines.all, damaged ? "could not be put aside"
								 : "cannot read the state file"));
		CU_ASSERT_FALSE(file_exists("state/statebad"));
		remember(&a);
		reopen();
		CU_ASSERT_EQUAL(lines.errors, 1);
		CU_ASSERT_EQUAL(state->bindings.used, 1);
	}
}

static void test_new_base(void)
{
	uint32_t bases[4];
	bool differ = false;

	for (size_t i = 0; i < COUNT(bases); i++) {
		bases[i] = remember(&a)->index;
		differ |= bases[i] != bases[0];
		state_close(state);
		remove(scratch("state/state"));
		open_state();
	}
	CU_ASSERT_TRUE(differ);
}

static void test_nothing_kept(void)
{
	state_close(state);
	CU_ASSERT_EQUAL_FATAL(state_open(NULL, names, &log_here, &state), ISIF_OK);
	remember(&a);
	CU_ASSERT_EQUAL(state_save(state), ISIF_OK);
	state_close(state);
	isif_privileged_close(gate);
	CU_ASSERT_EQUAL_FATAL(open_gate(scratch("."), &gate), ISIF_OK);
	open_state();
	remember(&a);
	CU_ASSERT_EQUAL(state_save(state), ISIF_OK);
	CU_ASSERT_FALSE(file_exists("state/state"));
	CU_ASSERT_EQUAL(lines.count, 0);
}

static void test_not_changed(void)
{
	CU_ASSERT_EQUAL(state_save(state), ISIF_OK);
	CU_ASSERT_FALSE(file_exists("state/state"));
	remember(&a);
	CU_ASSERT_TRUE(state->indexes_changed);
	CU_ASSERT_EQUAL(state_save(state), ISIF_OK);
	CU_ASSERT_TRUE(file_exists("state/state"));
	CU_ASSERT_FALSE(file_exists("state/state.new"));
	remove_file("state/state");
	CU_ASSERT_EQUAL(state_save(state), ISIF_OK);
	CU_ASSERT_FALSE(file_exists("state/state"));
}

/* What could not be written is still to be written. */
static void test_write_again(void)
{
	uint32_t index = remember(&a)->index;

	put_directory("state/state.new");
	CU_ASSERT_NOT_EQUAL(state_save(state), ISIF_OK);
	remove(scratch("state/state.new"));
	reopen();
	CU_ASSERT_EQUAL(remember(&a)->index, index);
}

/* --- a file that grows --- */

static char *get_file(const char *name)
{
	FILE *file = fopen(scratch("%s", name), "re");
	char *text = NULL;
	size_t size = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_TRUE_FATAL(getdelim(&text, &size, '\0', file) > 0);
	fclose(file);
	return text;
}

static int compare_lines(const void *one, const void *other)
{
	return strcmp(*(char *const *)one, *(char *const *)other);
}

/* What a state knows, in an order of its own; the caller frees it. */
static char *known(struct state *some)
{
	char *text, *sorted, *lines_of[600], *rest = NULL;
	size_t length, count = 0;

	CU_ASSERT_EQUAL_FATAL(state_file_text(some, &text, &length), ISIF_OK);
	sorted = calloc(1, length + 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sorted);
	for (char *line = strtok_r(text, "\n", &rest); line && count < COUNT(lines_of);
	     line = strtok_r(NULL, "\n", &rest))
		lines_of[count++] = line;
	qsort(lines_of, count, sizeof(*lines_of), compare_lines);
	for (size_t i = 0, at = 0; i < count; i++)
		at += (size_t)sprintf(sorted + at, "%s\n", lines_of[i]);
	free(text);
	return sorted;
}

/* Whoever reads the file now knows what we know. */
static void file_knows(const char *expected)
{
	struct state *other;
	char *there;

	CU_ASSERT_EQUAL_FATAL(state_open(gate, names, &log_here, &other), ISIF_OK);
	there = known(other);
	CU_ASSERT_STRING_EQUAL(there, expected);
	free(there);
	state_close(other);
}

static void save_and_compare(void)
{
	char *here = known(state);

	CU_ASSERT_EQUAL(state_save(state), ISIF_OK);
	file_knows(here);
	free(here);
}

/* Five thousand bindings are not written because of one. */
static void test_grows(void)
{
	char *before, *after, target[32];
	struct binding_memory *memory = remember(&a);

	for (unsigned i = 0; i < 500; i++) {
		snprintf(target, sizeof(target), "iqn.%u", i);
		remember(&(struct key){ target, "192.0.2.1", "if0", 3260, 1 });
	}
	CU_ASSERT_EQUAL(state_save(state), ISIF_OK);
	before = get_file("state/state");
	state_set_error(state, memory, "something");
	remember_target("iqn.new");
	state_keep(state, ISIF_KEPT_NOTIFY_RATE, 7);
	CU_ASSERT_EQUAL(state_save(state), ISIF_OK);
	after = get_file("state/state");
	CU_ASSERT_FALSE(strncmp(after, before, strlen(before)));
	CU_ASSERT_TRUE(strlen(after) > strlen(before));
	CU_ASSERT_TRUE(strlen(after) < strlen(before) + 400);
	free(before);
	free(after);
	save_and_compare();
}

/* Anything that can change, at random: the file always tells what the state knows. */
static void test_every_change(void)
{
	static const char *const interfaces[] = { "if0", "if1", "if2" };
	char target[32];
	unsigned seed = (unsigned)time(NULL);

	printf("# state: seed %u\n", seed);
	srandom(seed);
	state->generation++;
	for (unsigned round = 0; round < 600; round++) {
		const char *iface = interfaces[random() % 3];
		struct isif_name *name = isif_name_get(names, iface, strlen(iface));
		struct binding_memory *memory;

		snprintf(target, sizeof(target), "iqn.%ld", random() % 20);
		memory = remember(&(struct key){ target, "192.0.2.1", iface, 3260, 1 });
		remember_target(target);
		switch (random() % 8) {
		case 0:
			state_set_error(state, memory, target);
			break;
		case 1:
			state_set_mode(state, name, (enum isif_rebind_mode)(random() % 3));
			break;
		case 2:
			state_set_device(state, name, (enum device_alert)(random() % 3));
			break;
		case 3:
			state_keep(state, ISIF_KEPT_NOTIFY_RATE, (uint32_t)random() % 100);
			break;
		case 4:
			state_configure(state, (uint32_t)random() % 2,
					(enum isif_rebind_mode)(random() % 2 + 1));
			break;
		case 5: /* some are gone; sometimes for more than a day */
			state_begin(state);
			memory->generation = state->generation;
			state_end(state, NOW + (int64_t)round * HOUR);
			break;
		case 6:
			memory->sid = (uint32_t)random();
			state_touch(state, memory);
			break;
		default:
			remove(scratch("state/state"));
			state_touch(state, memory);
			break;
		}
		isif_name_release(name);
		if (random() % 2)
			save_and_compare();
	}
	CU_ASSERT_EQUAL(lines.count, 0);
}

/* However often one thing changes, the file is bounded. */
static void test_shrinks(void)
{
	char *text, target[224] = { 0 };
	struct binding_memory *memory;

	memset(target, 'a', sizeof(target) - 1);
	memory = remember(&(struct key){ target, target, target, 3260, 1 });
	for (unsigned i = 0; i < 200; i++) {
		memory->losses = i;
		state_touch(state, memory);
		CU_ASSERT_EQUAL_FATAL(state_save(state), ISIF_OK);
	}
	text = get_file("state/state");
	CU_ASSERT_TRUE(strlen(text) < 70000);
	free(text);
	save_and_compare();
}

/* Torn anywhere in what was appended: what was written before that is there, and it is told. */
static void test_torn(void)
{
	struct binding_memory *memory = remember(&a);
	char *before, *after;

	memory->losses = 1;
	CU_ASSERT_EQUAL(state_save(state), ISIF_OK);
	before = get_file("state/state");
	memory->losses = 2;
	state_touch(state, memory);
	CU_ASSERT_EQUAL(state_save(state), ISIF_OK);
	after = get_file("state/state");
	for (size_t end = strlen(before); end < strlen(after); end++) {
		char octet = after[end];
		bool whole = end == strlen(before);

		after[end] = '\0';
		put_file("state/state", after);
		after[end] = octet;
		lines = (struct lines){ 0 };
		state_close(state);
		open_state();
		memory = remember(&a);
		CU_ASSERT_TRUE(memory->losses == 1 || (memory->losses == 2 && !whole));
		CU_ASSERT_EQUAL(lines.count, whole ? 0 : 1);
		CU_ASSERT_EQUAL(lines.errors, 0);
	}
	CU_ASSERT_EQUAL(memory->losses, 2); /* only its last octet was missing */
	free(before);
	free(after);
}

/* A line of the end that is damaged takes nothing from what was whole before it. */
static void test_damaged_end(void)
{
	static const char *const ends[] = { "next 7 7\nend\n", "next 1073741830 0\nend\n",
					    "next 4294967295 1\nend\n" };
	struct binding_memory *memory = remember(&a);
	uint32_t next = state->next_binding, target = state->next_target, index = memory->index;
	char *whole, *text;

	CU_ASSERT_EQUAL(state_save(state), ISIF_OK);
	whole = get_file("state/state");
	for (size_t i = 0; i < COUNT(ends); i++) {
		CU_ASSERT_TRUE_FATAL(asprintf(&text, "%s%s", whole, ends[i]) > 0);
		put_file("state/state", text);
		free(text);
		state_close(state);
		open_state();
		CU_ASSERT_EQUAL(remember(&a)->index, index);
		CU_ASSERT_EQUAL(state->next_binding, next);
		CU_ASSERT_EQUAL(state->next_target, target);
		CU_ASSERT_EQUAL(lines.errors, 0);
	}
	free(whole);
}

void add_state_tests(void)
{
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown("state", NULL, NULL, set_up, tear_down);

	CU_add_test(suite, "each key has an index of its own", test_own_index);
	CU_add_test(suite, "a session that is left, and regained", test_session_left);
	CU_add_test(suite, "indexes survive a restart", test_restart);
	CU_add_test(suite, "an index is not given again", test_no_reuse);
	CU_add_test(suite, "wanted state, losses and times survive a restart", test_memory);
	CU_add_test(suite, "another boot forgets the sessions alone", test_other_boot);
	CU_add_test(suite, "within 24 hours a record has its index again", test_within_a_day);
	CU_add_test(suite, "after 24 hours it is forgotten", test_after_a_day);
	CU_add_test(suite, "a clock set back forgets nothing", test_clock_set_back);
	CU_add_test(suite, "of many that go, none stays and no other goes", test_many_go);
	CU_add_test(suite, "odd names survive a restart", test_odd_names);
	CU_add_test(suite, "the longest names survive a restart", test_long_names);
	CU_add_test(suite, "a damaged file is put aside and told", test_damaged);
	CU_add_test(suite, "a damaged file's numbers are not given again", test_damaged_numbers);
	CU_add_test(suite, "a file that cannot be read or put aside", test_unreadable);
	CU_add_test(suite, "without a file indexes start at a new base", test_new_base);
	CU_add_test(suite, "without a directory nothing is kept", test_nothing_kept);
	CU_add_test(suite, "what did not change is not written", test_not_changed);
	CU_add_test(suite, "what could not be written is written later", test_write_again);
	CU_add_test(suite, "the file grows by what changed", test_grows);
	CU_add_test(suite, "whatever changes, the file tells it", test_every_change);
	CU_add_test(suite, "the file does not grow for ever", test_shrinks);
	CU_add_test(suite, "a file that is torn at its end", test_torn);
	CU_add_test(suite, "a file that is damaged at its end", test_damaged_end);
}
