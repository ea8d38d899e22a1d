/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tcp_info.h"

/* A file of its own: libnl's headers include netinet/tcp.h, whose tcp_info lacks newer fields. */
#include <linux/tcp.h>
#include <stddef.h>
#include <string.h>

struct info {
	const unsigned char *octets;
	size_t length;
};

static void read_field(void *field, size_t size, const struct info *info, size_t offset)
{
	if (info->length >= offset + size)
		memcpy(field, info->octets + offset, size);
}

static uint32_t field32(const struct info *info, size_t offset)
{
	uint32_t field = 0;

	read_field(&field, sizeof(field), info, offset);
	return field;
}

static uint64_t field64(const struct info *info, size_t offset)
{
	uint64_t field = 0;

	read_field(&field, sizeof(field), info, offset);
	return field;
}

void tcp_info_read(struct isif_socket *socket, const void *info, size_t length)
{
	const struct info given = { info, length };

	socket->sent = field64(&given, offsetof(struct tcp_info, tcpi_bytes_acked));
	socket->received = field64(&given, offsetof(struct tcp_info, tcpi_bytes_received));
	socket->rtt = field32(&given, offsetof(struct tcp_info, tcpi_rtt));
	socket->retransmits = field32(&given, offsetof(struct tcp_info, tcpi_total_retrans));
	socket->path_mtu = field32(&given, offsetof(struct tcp_info, tcpi_pmtu));
}
