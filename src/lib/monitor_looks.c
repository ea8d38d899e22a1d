/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who uses the disks, for the disk table: while somebody asks, a look like the guard's is taken
 * again and again, a slice at a time. What it found stands in the place of what sysfs and the mount
 * tables alone say, until it is too old, or until they say something new.
 */
#include "monitor.h"

#include "clock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SHORTEST_MS 1000    /* between two looks */
#define SHARE	    50	    /* at most one part in so many of our time goes into them */
#define LOOK_NS	    1000000 /* of one slice */

/* What we worked, not what others had of the processor meanwhile. */
static uint64_t worked_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static const struct isif_privileged_operations *gate_of(const struct isif_monitor *monitor)
{
	return monitor->privileged->operations;
}

static uint64_t age_limit(const struct looks *looks)
{
	uint64_t share = looks->took_ns * SHARE / 1000000;

	return share > SHORTEST_MS ? share : SHORTEST_MS;
}

void isif_monitor_uses_wanted(struct isif_monitor *monitor)
{
	struct looks *looks = &monitor->looks;

	/* Of another tree's disks a look knows nothing. */
	if (monitor->own_sysfs || looks->looking)
		return;
	if (!looks->read || monitor_now() - looks->read >= age_limit(looks))
		looks->due = true;
}

void monitor_forget_looks(struct isif_monitor *monitor)
{
	struct looks *looks = &monitor->looks;

	if (looks->looking)
		gate_of(monitor)->look_end(monitor->privileged, ISIF_LOOK_TO_SHOW);
	monitor->dirty |= looks->count > 0;
	free(looks->disks);
	*looks = (struct looks){ .took_ns = looks->took_ns };
}

static void begin(struct isif_monitor *monitor)
{
	struct looks *looks = &monitor->looks;
	uint32_t *sids = calloc(monitor->session_count + 1, sizeof(*sids));
	size_t count = 0;

	looks->due = false;
	for (size_t i = 0; sids && i < monitor->session_count; i++)
		if (!monitor->sessions[i]->seen.gone &&
		    monitor->sessions[i]->seen.kernel->disk_count)
			sids[count++] = monitor->sessions[i]->seen.kernel->sid;
	looks->looking = count && !gate_of(monitor)->look_begin(monitor->privileged,
								ISIF_LOOK_TO_SHOW, sids, count);
	looks->taking_ns = 0;
	looks->again = 0;
	free(sids);
}

static void take_result(struct isif_monitor *monitor)
{
	struct looks *looks = &monitor->looks;
	const struct isif_look_disk *disks;

	gate_of(monitor)->look_result(monitor->privileged, ISIF_LOOK_TO_SHOW, &disks,
				      &looks->count);
	free(looks->disks);
	looks->disks = calloc(looks->count + 1, sizeof(*disks));
	if (looks->disks)
		memcpy(looks->disks, disks, looks->count * sizeof(*disks));
	else
		looks->count = 0;
	looks->took_ns = looks->taking_ns;
	looks->read = monitor_now();
	monitor->dirty = true;
}

void monitor_look(struct isif_monitor *monitor)
{
	struct looks *looks = &monitor->looks;
	const uint64_t now = monitor_now();
	uint64_t began;
	enum isif_error error;
	unsigned pause = 0;

	if (looks->read && now >= looks->read + 3 * age_limit(looks))
		monitor_forget_looks(monitor);
	if (looks->due)
		begin(monitor);
	if (!looks->looking || now < looks->again)
		return;
	began = worked_ns();
	error = gate_of(monitor)->look_work(monitor->privileged, ISIF_LOOK_TO_SHOW,
					    clock_ns() + LOOK_NS, &pause);
	looks->taking_ns += worked_ns() - began;
	looks->again = now + pause;
	if (error == ISIF_INCOMPLETE)
		return;
	if (!error)
		take_result(monitor);
	gate_of(monitor)->look_end(monitor->privileged, ISIF_LOOK_TO_SHOW);
	looks->looking = false;
}

uint64_t monitor_looks_due(const struct isif_monitor *monitor)
{
	const struct looks *looks = &monitor->looks;

	if (looks->due)
		return 1;
	if (looks->looking)
		return looks->again ? looks->again : 1;
	return looks->read ? looks->read + 3 * age_limit(looks) : 0;
}
