/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ports of offload adapters, read in slices: of all that sysfs shows they are the slowest. */
#include "monitor.h"

#include "array.h"
#include "cleanup.h"
#include "clock.h"
#include "kernel_port.h"
#include "kernel_sysfs.h"

#include <stdlib.h>
#include <string.h>

static void note_name(void *context, const char *name)
{
	struct ports_reading *reading = context;

	/* What is longer is the name of neither. */
	if (strlen(name) < sizeof(*reading->names) &&
	    array_reserve(&reading->names, &reading->name_size, reading->name_count,
			  sizeof(*reading->names)))
		strcpy(reading->names[reading->name_count++], name);
}

static void begin(struct isif_monitor *monitor)
{
	struct ports_reading *reading = &monitor->ports_reading;

	monitor->ports_due = false;
	reading->under_way = true;
	isif_sysfs_list(monitor->sysfs, "iscsi_iface", note_name, reading);
	isif_sysfs_list(monitor->sysfs, "iscsi_host", note_name, reading);
}

/* A host that has objects is no port itself. */
static bool has_objects(const struct ports_reading *reading, const char *name)
{
	uint32_t host;

	if (!sysfs_path_number(name, "host", &host))
		return false;
	for (size_t i = 0; i < reading->port_count; i++)
		if (reading->ports[i]->host == host)
			return true;
	return false;
}

static void add_port(struct ports_reading *reading, struct isif_kernel_port *port)
{
	if (array_reserve(&reading->ports, &reading->port_size, reading->port_count,
			  sizeof(*reading->ports)))
		reading->ports[reading->port_count++] = port;
	else
		isif_kernel_port_release(port);
}

/* One that cannot be read is left out: it may be on its way, and then there is an event. */
static void read_one(struct ports_reading *reading, struct isif_sysfs *sysfs)
{
	struct isif_kernel_port *port;
	enum isif_error error;

	if (!reading->draft) {
		const char *name = reading->names[reading->at++];

		if (!has_objects(reading, name))
			port_draft_begin(sysfs, name, &reading->draft);
		return;
	}
	error = port_draft_step(reading->draft, &port);
	if (error == ISIF_INCOMPLETE)
		return;
	if (!error)
		add_port(reading, port);
	port_draft_free(TAKE(reading->draft));
}

static int compare_ports(const void *a, const void *b)
{
	const struct isif_kernel_port *one = *(struct isif_kernel_port *const *)a;
	const struct isif_kernel_port *other = *(struct isif_kernel_port *const *)b;

	if (one->host != other->host)
		return one->host < other->host ? -1 : 1;
	return isif_index_compare(one->name, strlen(one->name), other->name, strlen(other->name));
}

static void release_ports(struct isif_kernel_port **ports, size_t count)
{
	for (size_t i = 0; i < count; i++)
		isif_kernel_port_release(ports[i]);
	free(ports);
}

static void take(struct isif_monitor *monitor)
{
	struct ports_reading *reading = &monitor->ports_reading;

	if (reading->port_count)
		qsort(reading->ports, reading->port_count, sizeof(*reading->ports), compare_ports);
	release_ports(monitor->ports, monitor->port_count);
	monitor->port_count = reading->port_count;
	monitor->ports = TAKE(reading->ports);
	reading->port_count = 0;
	monitor_forget_ports(monitor);
	monitor->ports_read = monitor_now();
	monitor->port_readings++;
	monitor->dirty = true;
}

bool monitor_read_ports(struct isif_monitor *monitor, uint64_t deadline_ns)
{
	struct ports_reading *reading = &monitor->ports_reading;

	if (!reading->under_way && !monitor->ports_due)
		return false;
	if (!reading->under_way)
		begin(monitor);
	while (reading->draft || reading->at < reading->name_count) {
		read_one(reading, monitor->sysfs);
		if (clock_ns() >= deadline_ns)
			return true;
	}
	take(monitor);
	return false;
}

void monitor_forget_ports(struct isif_monitor *monitor)
{
	struct ports_reading *reading = &monitor->ports_reading;

	port_draft_free(reading->draft);
	release_ports(reading->ports, reading->port_count);
	free(reading->names);
	*reading = (struct ports_reading){ 0 };
}

void monitor_free_ports(struct isif_monitor *monitor)
{
	monitor_forget_ports(monitor);
	release_ports(monitor->ports, monitor->port_count);
}
