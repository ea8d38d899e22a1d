/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clang-format off */
/*
 * The MIB, over the snapshot of the unit tests. The library's transactions are played, as in
 * tests/unit/test_setter.c. Each line of an input is one of these; an OID is one below
 * iscsiIfaceObjects, or with a '.' before it any:
 *   ? OID             GET and GETNEXT
 *   = OID TAG VALUE   one more varbind of the next SET; of tag s VALUE is a text, else a number
 *   T ID [KIND]       TestSet of these varbinds; the transaction is refused with that kind
 *   C ID [KIND]       CommitSet, likewise
 *   U ID [KIND]       UndoSet, likewise
 *   E ID              CleanupSet
 *   R NOW             time goes by
 *   D NOW             the master is gone
 *   M MODE            controlMode
 *   N KIND BINDING JOB LIMIT IFACE
 *                     the varbinds of an event's notification, of which so many are taken
 */
/* clang-format on */
#include "fuzz.h"

#include "engine.h"
#include "fixture.h"
#include "mib_notify.h"
#include "setter.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CELLS = 512, VARBINDS = 16, IFACE_LENGTH = 64, KINDS = ISIF_REFUSED_UNDO + 1 };

/* The linker gives these names. */
bool __wrap_isif_transaction_begin(struct isif_monitor *monitor, const struct isif_policy *policy,
				   const struct isif_wish *wishes, size_t count,
				   struct isif_transaction **transaction,
				   struct isif_refusal *refusal);
bool __wrap_isif_transaction_commit(struct isif_transaction *transaction,
				    struct isif_refusal *refusal);
bool __wrap_isif_transaction_undo(struct isif_transaction *transaction,
				  struct isif_refusal *refusal);
void __wrap_isif_transaction_end(struct isif_transaction *transaction);

/* --- the words of a line --- */

static struct oid take_oid(struct fuzz_input *line)
{
	bool whole;
	struct oid oid = { 0 };

	fuzz_skip_blanks(line);
	whole = line->at < line->end && *line->at == '.';
	line->at += whole;
	if (!whole)
		oid = below("");
	while (line->at < line->end && *line->at >= '0' && *line->at <= '9' &&
	       oid.length < MIB_OID_LIMIT) {
		oid.arcs[oid.length++] = fuzz_take_number(line);
		line->at += line->at < line->end && *line->at == '.';
	}
	return oid;
}

/* --- GET and GETNEXT --- */

static struct oid cells[CELLS];

static int compare(const mib_arc *a, size_t a_length, const mib_arc *b, size_t b_length)
{
	for (size_t i = 0; i < a_length && i < b_length; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return (a_length > b_length) - (a_length < b_length);
}

static void check_value(const struct mib_value *value, enum mib_tag tag)
{
	MUST(value->tag == tag);
	if (tag != MIB_OCTETS)
		return;
	MUST(value->length <= 255);
	free(fuzz_exact(value->octets, value->length));
}

static void check_get(const mib_arc *arcs, size_t length, const struct cell *cell)
{
	struct mib_view view = fixture_view();
	struct mib_value value;
	enum engine_answer answer = engine_get(&view, arcs, length, &value);

	MUST((answer == ENGINE_VALUE) == (cell != NULL) && answer != ENGINE_END);
	if (cell)
		check_value(&value, cell->tag);
}

static void check_next(const mib_arc *arcs, size_t length, size_t expected)
{
	struct mib_view view = fixture_view();
	mib_arc *next = calloc(MIB_OID_LIMIT, sizeof(*next));
	size_t next_length = 0;
	struct mib_value value;
	enum engine_answer answer = engine_next(&view, arcs, length, next, &next_length, &value);

	MUST((answer == ENGINE_VALUE) == (expected < fixture_cell_count));
	MUST(answer == ENGINE_VALUE || answer == ENGINE_END);
	if (answer == ENGINE_VALUE) {
		MUST(compare(next, next_length, arcs, length) > 0);
		MUST(!compare(next, next_length, cells[expected].arcs, cells[expected].length));
		check_value(&value, fixture_cells[expected].tag);
		check_get(next, next_length, &fixture_cells[expected]);
	}
	free(next);
}

static void ask(const struct oid *oid)
{
	/* So that an arc behind its end is seen to be one too many. */
	mib_arc *arcs = (mib_arc *)(void *)fuzz_exact(oid->arcs, oid->length * sizeof(*arcs));
	size_t low = 0, high = fixture_cell_count;
	bool there;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(cells[middle].arcs, cells[middle].length, arcs, oid->length) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	there = low < fixture_cell_count &&
		!compare(cells[low].arcs, cells[low].length, arcs, oid->length);
	check_get(arcs, oid->length, there ? &fixture_cells[low] : NULL);
	check_next(arcs, oid->length, low + there);
	free(arcs);
}

/* --- the transaction that is played --- */

static struct {
	bool open, committed;
	enum isif_refusal_kind refused; /* with this the next call is answered; 0: it succeeds */
	size_t fault;
} played;
static int transaction; /* what stands for one */

static bool play(struct isif_refusal *refusal)
{
	if (!played.refused)
		return true;
	*refusal = (struct isif_refusal){ played.refused, played.fault, "as it was told to" };
	return false;
}

/* What is wished can be read to its end. */
static void check_wish(const struct isif_wish *wish)
{
	MUST(wish->kind <= ISIF_WISH_KEPT);
	if (wish->iface)
		MUST(strlen(wish->iface) == wish->iface_length && wish->iface_length);
	if (wish->kind == ISIF_WISH_IFACE_SETTING)
		MUST(wish->setting && *wish->setting);
	if (wish->text)
		free(fuzz_exact(wish->text, wish->length));
}

bool __wrap_isif_transaction_begin(struct isif_monitor *monitor, const struct isif_policy *policy,
				   const struct isif_wish *wishes, size_t count,
				   struct isif_transaction **made, struct isif_refusal *refusal)
{
	(void)monitor;
	(void)policy;
	MUST(!played.open && count && count <= VARBINDS);
	for (size_t i = 0; i < count; i++)
		check_wish(&wishes[i]);
	if (!play(refusal))
		return false;
	played.open = true;
	played.committed = false;
	*made = (struct isif_transaction *)(void *)&transaction;
	return true;
}

bool __wrap_isif_transaction_commit(struct isif_transaction *it, struct isif_refusal *refusal)
{
	MUST((void *)it == &transaction && played.open && !played.committed);
	played.committed = play(refusal);
	return played.committed;
}

bool __wrap_isif_transaction_undo(struct isif_transaction *it, struct isif_refusal *refusal)
{
	MUST((void *)it == &transaction && played.open && played.committed);
	played.committed = false;
	return play(refusal);
}

void __wrap_isif_transaction_end(struct isif_transaction *it)
{
	if (!it)
		return;
	MUST((void *)it == &transaction && played.open);
	played.open = false;
}

/* --- SET --- */

static struct mib_agent agent;
static struct oid names[VARBINDS];
static struct fuzz_text texts[VARBINDS];
static struct mib_varbind varbinds[VARBINDS];
static size_t varbind_count;

/* A line of the log is one line. */
static void look_at_log(void *context, enum isif_log_level level, const char *line)
{
	(void)context;
	(void)level;
	for (; *line; line++)
		MUST((unsigned char)*line >= ' ' && *line != 0x7f);
}

static const struct isif_log fuzz_log = { look_at_log, NULL };
static struct setter setter;

static uint8_t tag_of(char letter)
{
	switch (letter) {
	case 'i':
		return MIB_INTEGER;
	case 'u':
		return MIB_UNSIGNED;
	case 's':
		return MIB_OCTETS;
	default:
		return (uint8_t)letter;
	}
}

static void add_varbind(struct fuzz_input *line)
{
	struct mib_varbind *varbind = &varbinds[varbind_count];

	if (varbind_count == VARBINDS)
		return;
	names[varbind_count] = take_oid(line);
	*varbind = (struct mib_varbind){ .length = names[varbind_count].length };
	fuzz_skip_blanks(line);
	varbind->tag = line->at < line->end ? tag_of(*line->at++) : 0;
	line->at += line->at < line->end && *line->at == ' ';
	texts[varbind_count] = fuzz_copy("", 0);
	if (varbind->tag == MIB_OCTETS) {
		fuzz_free(&texts[varbind_count]);
		texts[varbind_count] = fuzz_copy(line->at, (size_t)(line->end - line->at));
	} else {
		varbind->integer = (int64_t)fuzz_take_number(line);
	}
	varbind_count++;
}

static void forget_varbinds(void)
{
	for (size_t i = 0; i < varbind_count; i++)
		fuzz_free(&texts[i]);
	varbind_count = 0;
}

static void check_error(struct setter_error error, size_t count)
{
	MUST(strcmp(mib_error_name(error.error), "genErr") != 0);
	MUST(!error.varbind || error.varbind < count);
	MUST(!error.error || error.error >= MIB_NO_ACCESS);
}

/* Names and values are exactly as long as they say, and gone when it returns. */
static void test(uint32_t id)
{
	const struct setter_request *before = setter.request;
	struct mib_view view = fixture_view();
	struct setter_error error;

	view.agent = &agent;
	for (size_t i = 0; i < varbind_count; i++) {
		varbinds[i].name = (mib_arc *)(void *)fuzz_exact(
			names[i].arcs, names[i].length * sizeof(*varbinds[i].name));
		varbinds[i].octets = fuzz_exact(texts[i].octets, texts[i].length);
		varbinds[i].octet_count = texts[i].length;
	}
	error = setter_test(&setter, id, varbinds, varbind_count, &view);
	for (size_t i = 0; i < varbind_count; i++) {
		free((void *)(uintptr_t)varbinds[i].name);
		free((void *)(uintptr_t)varbinds[i].octets);
	}
	check_error(error, varbind_count);
	if (error.error)
		MUST(!setter.request || setter.request == before);
	forget_varbinds();
}

/* --- notifications --- */

struct taken {
	size_t count, limit;
};

static bool take_notified(void *context, const mib_arc *name, size_t length,
			  const struct mib_value *value)
{
	struct taken *taken = context;

	MUST(length > mib_root_length && length <= MIB_OID_LIMIT);
	free(fuzz_exact(name, length * sizeof(*name)));
	check_value(value, value->tag);
	return taken->count++ < taken->limit;
}

/* Events know names of rows, and these are no longer than what an OID has room for. */
static void notify(struct fuzz_input *line)
{
	struct isif_names *known = isif_names_new();
	struct isif_event event = { .index = 1, .reason = ISIF_REASON_UNKNOWN, .path = "eth0" };
	struct mib_view view = fixture_view();
	struct taken taken = { 0 };
	unsigned notification;
	size_t length;
	bool all;

	event.kind =
		(enum isif_event_kind)(fuzz_take_number(line) % (ISIF_HAPPENED_MASTER_LOST + 1));
	event.binding = (uint32_t)fuzz_take_number(line);
	event.job = (uint32_t)fuzz_take_number(line);
	taken.limit = fuzz_take_number(line);
	fuzz_skip_blanks(line);
	length = (size_t)(line->end - line->at);
	event.iface = isif_name_get(known, line->at, length < IFACE_LENGTH ? length : IFACE_LENGTH);
	MUST(event.iface);
	notification = mib_notification_of(event.kind);
	MUST(notification < MIB_NOTIFY_EVENTS_SUPPRESSED);
	if (!notification)
		notification = MIB_NOTIFY_EVENTS_SUPPRESSED;
	all = mib_notify(&view, notification, &event, take_notified, &taken);
	MUST(all == (taken.count <= taken.limit) && taken.count);
	isif_name_release(event.iface);
	isif_names_free(known);
}

/* --- an input --- */

static void take_refusal(struct fuzz_input *line)
{
	played.refused = (enum isif_refusal_kind)(fuzz_take_number(line) % KINDS);
	played.fault = fuzz_take_number(line) % (VARBINDS + 1);
}

static void take_phase(struct fuzz_input *line, char phase)
{
	uint32_t id = (uint32_t)fuzz_take_number(line);
	int32_t lock = agent.set_lock;

	take_refusal(line);
	if (phase == 'T')
		test(id);
	else if (phase == 'C')
		check_error(setter_commit(&setter, id), VARBINDS);
	else if (phase == 'U')
		check_error(setter_undo(&setter, id), VARBINDS);
	else
		setter_cleanup(&setter, id);
	played.refused = 0;
	MUST(setter.request || !played.open);
	MUST(agent.set_lock == lock || (phase == 'E' && agent.set_lock == mib_next_lock(lock)));
}

static void take_step(struct fuzz_input line)
{
	char what = (char)(line.at < line.end ? *line.at++ : '\0');
	struct oid oid;

	switch (what) {
	case '?':
		oid = take_oid(&line);
		ask(&oid);
		break;
	case '=':
		add_varbind(&line);
		break;
	case 'T':
	case 'C':
	case 'U':
	case 'E':
		take_phase(&line, what);
		break;
	case 'R':
		setter_run(&setter, fuzz_take_number(&line));
		break;
	case 'D':
		setter_disconnected(&setter, fuzz_take_number(&line) >> 1);
		break;
	case 'N':
		notify(&line);
		break;
	case 'M':
		agent.control_mode = (int32_t)(fuzz_take_number(&line) % 3) + 1;
		break;
	default:
		break;
	}
	MUST(setter_timeout(&setter, UINT64_MAX) == (setter.request ? 0 : -1));
}

static void set_up(void)
{
	if (!cells[0].length) {
		setenv("TZ", "UTC0", 1);
		tzset();
		MUST(fixture_cell_count <= CELLS);
		for (size_t i = 0; i < fixture_cell_count; i++)
			cells[i] = below(fixture_cells[i].oid);
	}
	agent = fixture_agent;
	agent.control_mode = 3;
	agent.set_lock = 7;
	setter = (struct setter){ .agent = &agent,
				  .policy = { .sessions = true },
				  .log = &fuzz_log };
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length)
{
	struct fuzz_input input = { (const char *)octets, (const char *)octets + length };
	const char *line;
	size_t line_length;

	set_up();
	while (fuzz_take_line(&input, &line, &line_length))
		take_step((struct fuzz_input){ line, line + line_length });
	setter_clear(&setter);
	MUST(!played.open && !setter.request);
	forget_varbinds();
	return 0;
}
