/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happened between two snapshots. Of a binding, or of the device of an iface, a loss is told
 * once, and its end once; which of both was told last is kept with the state, so that it stays
 * true over restarts. While a job of ours works on a binding nothing is told of it: that it is away
 * then was asked for, and what is left of that when the job has ended is looked at anew.
 */
#include "monitor.h"

#include "session_change.h"
#include "snapshot_find.h"
#include "state.h"

#include <stdio.h>

#define LABEL_SIZE 600	/* of the longest target, portal and iface */
#define CHANGES_MS 1000 /* changes of records within this time are one event */

/* --- bindings --- */

static bool is_bad(const struct isif_binding *row)
{
	return row->admin_status == ISIF_ADMIN_LOGGED_IN &&
	       (row->oper_status == ISIF_OPER_RECOVERING || row->oper_status == ISIF_OPER_LOST ||
		row->oper_status == ISIF_OPER_FAILED);
}

/* What is to be told last of a binding that is as it is now. */
static enum alert alert_of(const struct isif_binding *row)
{
	switch (row->oper_status) {
	case ISIF_OPER_LOGGED_IN:
		return ALERT_NONE;
	case ISIF_OPER_MISROUTED:
		return ALERT_MISROUTED;
	default:
		/* Of what is neither up nor lost there is no news. */
		return is_bad(row) ? ALERT_LOST : (enum alert)row->alert;
	}
}

/* The reason before the name: a long name is cut, if anything is. */
static struct isif_event *add(struct isif_monitor *monitor, enum isif_event_kind kind,
			      const struct isif_binding *row, const char *what,
			      const struct isif_name *why)
{
	char label[LABEL_SIZE];

	session_change_label(row, label, sizeof(label));
	return event_log_add(monitor->events, kind, row->node->iface, row->index, "%s%s%s: %s",
			     what, why ? ", " : "", why ? why->text : "", label);
}

/* What it means that a device is no more as it should be. */
static const struct {
	enum isif_event_reason reason;
	const char *words;
} devices[] = {
	[ISIF_DEVICE_NOT_APPLICABLE] = { ISIF_REASON_UNKNOWN, "" },
	[ISIF_DEVICE_UP] = { ISIF_REASON_UNKNOWN, "" },
	[ISIF_DEVICE_LINK_DOWN] = { ISIF_REASON_LINK_DOWN, "its link is down" },
	[ISIF_DEVICE_MISSING] = { ISIF_REASON_DEVICE_REMOVED, "there is no such device any more" },
	[ISIF_DEVICE_NO_ADDRESS] = { ISIF_REASON_ADDRESS_GONE, "it has no address any more" },
	[ISIF_DEVICE_AMBIGUOUS] = { ISIF_REASON_UNKNOWN,
				    "several devices have its hardware address" },
};

/* Why it is lost: what is wrong with its device explains all the rest. */
static enum isif_event_reason reason_of_loss(const struct isif_iface *iface,
					     const struct isif_binding *row,
					     const struct binding_memory *memory)
{
	enum isif_event_reason reason =
		iface ? devices[iface->device_status].reason : ISIF_REASON_UNKNOWN;

	if (row->oper_status != ISIF_OPER_FAILED && reason != ISIF_REASON_UNKNOWN)
		return reason;
	return memory->reason ? memory->reason : ISIF_REASON_UNKNOWN;
}

static void set_path(const struct isif_monitor *monitor, struct isif_event *event,
		     uint32_t link_index, const char *otherwise)
{
	const struct isif_link *link =
		link_index ? isif_network_link(monitor->network, link_index) : NULL;

	snprintf(event->path, sizeof(event->path), "%.15s", link ? link->name : otherwise);
}

static void look_again(struct isif_monitor *monitor, uint64_t due)
{
	if (!monitor->alerts_due || due < monitor->alerts_due)
		monitor->alerts_due = due;
}

/* What is looked at: its state, whether that is a loss, and how many there were since last time. */
struct sight {
	unsigned told, state;
	bool loss;
	uint32_t losses;
};

/*
 * A driver may give up the carrier after its device went down: then the loss that the state has
 * shown is counted later, and is the same.
 */
static uint32_t losses_since(struct alert_hold *hold, const struct sight *sight, bool held)
{
	uint32_t losses = sight->losses;
	const uint32_t known = losses < hold->uncounted ? losses : hold->uncounted;

	losses -= known;
	hold->uncounted -= known;
	if (!sight->loss)
		hold->uncounted = 0;
	else if (!losses && sight->state != hold->seen && (held || sight->state != sight->told))
		losses = hold->uncounted = 1;
	return losses;
}

/*
 * Whether something is to be told of now, of which another state was told last: the first change
 * at once, and what it has come to when the hold-down is over.
 */
static bool is_to_be_told(struct isif_monitor *monitor, struct alert_hold *hold,
			  const struct sight *sight)
{
	const uint64_t now = monitor_now();
	const uint64_t length = state_kept(monitor->state, ISIF_KEPT_HOLD_DOWN) * 1000ull;
	const bool held = now < hold->until;

	hold->losses += losses_since(hold, sight, held);
	hold->seen = sight->state;
	if (sight->state == sight->told && !hold->losses) {
		if (!held)
			hold->until = 0;
		return false;
	}
	if (!held) {
		hold->until = length ? now + length : 0;
		return true;
	}
	look_again(monitor, hold->until);
	return false;
}

/* Losses that no notification of their own tells of; if this one tells of a loss, that is one. */
static uint32_t take_flaps(struct alert_hold *hold, bool loss)
{
	uint32_t flaps = hold->losses - (loss && hold->losses ? 1 : 0);

	hold->losses = 0;
	return flaps;
}

/* A loss that was over before anybody looked is told as one, and its end by the next look. */
static bool was_away(struct isif_monitor *monitor, const struct alert_hold *hold,
		     const struct sight *sight)
{
	const uint64_t now = monitor_now();

	if (sight->loss || !sight->losses || sight->state != sight->told || now < hold->until)
		return false;
	look_again(monitor, now);
	return true;
}

static void tell_binding(struct isif_monitor *monitor, const struct isif_binding *row,
			 enum alert alert, uint32_t losses)
{
	/* By its key: thousands may be lost at once, and an index is looked for one by one. */
	struct binding_memory *memory = state_find_binding(monitor->state, row->node);
	const struct isif_iface *iface;
	struct isif_event *event;
	struct sight sight = { .state = alert, .loss = alert != ALERT_NONE, .losses = losses };
	enum alert told;

	if (!memory || job_works_on(monitor->jobs, NULL, row->node))
		return;
	sight.told = told = memory->alert;
	if (was_away(monitor, &memory->hold, &sight)) {
		sight.state = alert = ALERT_LOST;
		sight.loss = true;
	}
	if (!is_to_be_told(monitor, &memory->hold, &sight))
		return;
	iface = snapshot_iface(monitor->snapshot, row->node->iface->text);
	memory->alert = alert;
	state_touch(monitor->state, memory);
	if (alert == ALERT_LOST)
		event = add(monitor, ISIF_HAPPENED_BINDING_LOST, row,
			    row->oper_status == ISIF_OPER_RECOVERING ? "lost, and being recovered"
			    : row->oper_status == ISIF_OPER_FAILED   ? "the login failed"
			    : row->oper_status == ISIF_OPER_LOST     ? "lost"
								     : "lost for a moment",
			    row->last_error);
	else if (alert == ALERT_MISROUTED)
		event = add(monitor, ISIF_HAPPENED_BINDING_MISROUTED, row,
			    "the session uses another device than its iface names", NULL);
	else
		event = add(monitor, ISIF_HAPPENED_BINDING_RESTORED, row,
			    told == ALERT_MISROUTED ? "over the device again that its iface names"
						    : "logged in again",
			    NULL);
	if (!event)
		return;
	event->reason = alert == ALERT_LOST	   ? reason_of_loss(iface, row, memory)
			: alert == ALERT_MISROUTED ? ISIF_REASON_WRONG_PATH
						   : ISIF_REASON_RECOVERED;
	set_path(monitor, event, row->path_link, iface ? iface->netdev : "");
	event->flaps = take_flaps(&memory->hold, alert != ALERT_NONE);
}

/* Sessions that came or went as somebody had asked. */
static void tell_session(struct isif_monitor *monitor, const struct isif_binding *before,
			 const struct isif_binding *row)
{
	bool was_up = before && before->sid, is_up = row->oper_status == ISIF_OPER_LOGGED_IN;

	if (is_up && (!before || before->oper_status != ISIF_OPER_LOGGED_IN) && !row->alert)
		add(monitor, ISIF_HAPPENED_LOGGED_IN, row, "logged in", NULL);
	if (was_up && !row->sid && row->oper_status == ISIF_OPER_LOGGED_OUT)
		add(monitor, ISIF_HAPPENED_LOGGED_OUT, row, "logged out", NULL);
}

static void look_at_binding(struct isif_monitor *monitor, const struct isif_snapshot *before,
			    const struct isif_binding *old, const struct isif_binding *row)
{
	enum alert alert = alert_of(row);
	uint32_t losses = old && row->losses > old->losses ? row->losses - old->losses : 0;

	if (before && old != row)
		tell_session(monitor, old, row);
	if ((uint32_t)alert != row->alert || row->held || losses)
		tell_binding(monitor, row, alert, losses);
}

/* --- devices --- */

static void tell_device(struct isif_monitor *monitor, const struct isif_iface *row,
			struct device_memory *memory, enum device_alert alert)
{
	const char *device = *row->netdev ? row->netdev : row->hwaddress;
	struct isif_event *event;

	memory->alert = alert;
	state_touch_wishes(monitor->state);
	if (alert == DEVICE_LOST)
		event = event_log_add(monitor->events, ISIF_HAPPENED_DEVICE_LOST, row->name, 0,
				      "device %s of iface %s is lost: %s", device, row->name->text,
				      row->device_status == ISIF_DEVICE_UP
					      ? "its link was down for a moment"
					      : devices[row->device_status].words);
	else
		event = event_log_add(monitor->events, ISIF_HAPPENED_DEVICE_RESTORED, row->name, 0,
				      "device %s of iface %s is back", device, row->name->text);
	if (!event)
		return;
	event->reason = alert == DEVICE_UP		       ? ISIF_REASON_RECOVERED
			: row->device_status == ISIF_DEVICE_UP ? ISIF_REASON_LINK_DOWN
							       : devices[row->device_status].reason;
	set_path(monitor, event, row->link, row->netdev);
	event->flaps = take_flaps(&memory->hold, alert == DEVICE_LOST);
}

/* One that has never been up is not lost. */
static void look_at_device(struct isif_monitor *monitor, const struct isif_iface *old,
			   const struct isif_iface *row)
{
	struct device_memory *memory = state_find_device(monitor->state, row->name);
	const bool up = row->device_status == ISIF_DEVICE_UP;
	struct sight sight = { .state = up ? DEVICE_UP : DEVICE_LOST, .loss = !up };

	if (row->device_status == ISIF_DEVICE_NOT_APPLICABLE)
		state_set_device(monitor->state, row->name, DEVICE_UNKNOWN);
	else if (!memory && up)
		state_set_device(monitor->state, row->name, DEVICE_UP);
	if (row->device_status == ISIF_DEVICE_NOT_APPLICABLE || !memory)
		return;
	sight.told = memory->alert;
	if (old && old->link == row->link && row->carrier_losses > old->carrier_losses)
		sight.losses = row->carrier_losses - old->carrier_losses;
	if (was_away(monitor, &memory->hold, &sight)) {
		sight.state = DEVICE_LOST;
		sight.loss = true;
	}
	if (is_to_be_told(monitor, &memory->hold, &sight))
		tell_device(monitor, row, memory, (enum device_alert)sight.state);
}

/* --- records --- */

/* One more record is another one than before; what it was counts only if it is the only one. */
static void note_change(struct record_changes *changes, struct isif_name *iface, const char *what,
			const char *label)
{
	if (!changes->count++) {
		changes->iface = isif_name_hold(iface);
		snprintf(changes->text, sizeof(changes->text), "%s: %.200s", what, label);
		changes->due = monitor_now() + CHANGES_MS;
	} else if (changes->iface != iface) {
		isif_name_release(changes->iface);
		changes->iface = NULL;
	}
}

static void note_binding(struct record_changes *changes, const struct isif_binding *row,
			 const char *what)
{
	char label[LABEL_SIZE + 32];
	int length = snprintf(label, sizeof(label), "the node record of ");

	session_change_label(row, label + length, sizeof(label) - (size_t)length);
	note_change(changes, row->node->iface, what, label);
}

static void note_iface(struct record_changes *changes, const struct isif_iface *row,
		       const char *what)
{
	char label[160];

	snprintf(label, sizeof(label), "the record of iface %s", row->name->text);
	note_change(changes, row->name, what, label);
}

static void tell_changes(struct isif_monitor *monitor)
{
	struct record_changes *changes = &monitor->changes;

	if (changes->count == 1)
		event_log_add(monitor->events, ISIF_HAPPENED_RECORD_CHANGED, changes->iface, 0,
			      "%s", changes->text);
	else
		event_log_add(monitor->events, ISIF_HAPPENED_RECORD_CHANGED, changes->iface, 0,
			      "%u records were made, changed or removed", changes->count);
	isif_name_release(changes->iface);
	*changes = (struct record_changes){ 0 };
}

/* --- both snapshots, side by side --- */

static int compare_ifaces(const struct isif_iface *a, const struct isif_iface *b)
{
	return isif_index_compare(a->name->text, a->name->length, b->name->text, b->name->length);
}

static void look_at_ifaces(struct isif_monitor *monitor, const struct isif_snapshot *before)
{
	const struct isif_snapshot *now = monitor->snapshot;
	uint32_t i = 0, j = 0;

	while (i < now->iface_count || (before && j < before->iface_count)) {
		const struct isif_iface *row = i < now->iface_count ? now->ifaces[i] : NULL;
		const struct isif_iface *old =
			before && j < before->iface_count ? before->ifaces[j] : NULL;
		int order = !old ? -1 : !row ? 1 : compare_ifaces(row, old);

		i += order <= 0;
		j += order >= 0;
		if (order > 0) {
			state_set_device(monitor->state, old->name, DEVICE_UNKNOWN);
			note_iface(&monitor->changes, old, "removed");
			continue;
		}
		if (before && order < 0)
			note_iface(&monitor->changes, row, "made");
		else if (before && row->record != old->record)
			note_iface(&monitor->changes, row, "changed");
		look_at_device(monitor, order ? NULL : old, row);
	}
}

static void look_at_bindings(struct isif_monitor *monitor, const struct isif_snapshot *before)
{
	const struct isif_snapshot *now = monitor->snapshot;
	uint32_t i = 0, j = 0;

	while (i < now->binding_count || (before && j < before->binding_count)) {
		const struct isif_binding *row = i < now->binding_count ? now->bindings[i] : NULL;
		const struct isif_binding *old =
			before && j < before->binding_count ? before->bindings[j] : NULL;
		int order = !old		      ? -1
			    : !row		      ? 1
			    : row->index < old->index ? -1
						      : row->index > old->index;

		i += order <= 0;
		j += order >= 0;
		if (order > 0) {
			note_binding(&monitor->changes, old, "removed");
			continue;
		}
		if (before && order < 0)
			note_binding(&monitor->changes, row, "made");
		else if (before && row->node != old->node)
			note_binding(&monitor->changes, row, "changed");
		look_at_binding(monitor, before, order ? NULL : old, row);
	}
}

void monitor_tell_differences(struct isif_monitor *monitor, const struct isif_snapshot *before)
{
	uint32_t bad = monitor->snapshot->summary.bad_records;

	if (!monitor->events)
		return;
	monitor->alerts_due = 0;
	look_at_ifaces(monitor, before);
	look_at_bindings(monitor, before);
	if (bad > monitor->bad_told)
		event_log_add(monitor->events, ISIF_HAPPENED_RECORD_UNREADABLE, NULL, 0,
			      "record files that cannot be read: %u; the log names them", bad);
	monitor->bad_told = bad;
}

/* --- what is no difference --- */

void monitor_tell_job(void *context, const struct isif_job *job)
{
	static const char *const words[] = {
		[ISIF_JOB_SUCCEEDED] = "succeeded",
		[ISIF_JOB_FAILED] = "failed",
		[ISIF_JOB_ROLLED_BACK] = "was rolled back",
		[ISIF_JOB_CANCELLED] = "was cancelled",
	};
	struct isif_monitor *monitor = context;
	struct isif_event *event = NULL;

	if (monitor->events)
		event = event_log_add(monitor->events, ISIF_HAPPENED_JOB_ENDED, job->iface, 0,
				      "job %u %s: %s%s%s", job->index, words[job->state], job->step,
				      *job->error_text ? "; " : "", job->error_text);
	if (event)
		event->job = job->index;
}

void isif_monitor_tell(struct isif_monitor *monitor, enum isif_event_kind kind, const char *text)
{
	event_log_add(monitor->events, kind, NULL, 0, "%s", text);
}

void isif_monitor_notified(struct isif_monitor *monitor, uint32_t index)
{
	event_log_notified(monitor->events, index);
}

struct isif_event_list isif_monitor_events(const struct isif_monitor *monitor)
{
	return event_log_list(monitor->events);
}

void monitor_close_events(struct isif_monitor *monitor)
{
	if (monitor->changes.count && monitor->events)
		tell_changes(monitor);
	isif_name_release(monitor->changes.iface);
	event_log_close(monitor->events);
	monitor->events = NULL;
}

void monitor_write_events(struct isif_monitor *monitor)
{
	const uint64_t now = monitor_now();
	bool sync = false;

	if (monitor->changes.count && now >= monitor->changes.due)
		tell_changes(monitor);
	if (monitor->alerts_due && now >= monitor->alerts_due)
		monitor->dirty = true;
	/* What was told of, and that it was, come to the disk together: nothing is told again. */
	if (event_log_has_news(monitor->events) && !state_write(monitor->state))
		sync = true;
	sync |= event_log_write(monitor->events);
	if (sync && !monitor->save_due)
		monitor->save_due = now + MONITOR_SAVE_MS;
}
