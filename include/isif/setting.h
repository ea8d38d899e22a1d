/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISIF_SETTING_H
#define ISIF_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** How a setting's text is to be read. open-iscsi itself checks none of it. */
enum isif_setting_type {
	ISIF_SETTING_NAME,	/**< the record's own name; cannot be changed */
	ISIF_SETTING_TEXT,	/**< free text without control characters */
	ISIF_SETTING_NUMBER,	/**< decimal, between minimum and maximum; 0 is "not set" */
	ISIF_SETTING_SWITCH,	/**< enable or disable */
	ISIF_SETTING_CHOICE,	/**< one of the words in choices */
	ISIF_SETTING_IPV4,	/**< an IPv4 address */
	ISIF_SETTING_IPV6,	/**< an IPv6 address */
	ISIF_SETTING_ADDRESS,	/**< an IPv4 or IPv6 address */
	ISIF_SETTING_DEVICE,	/**< name of a network device */
	ISIF_SETTING_HWADDRESS, /**< aa:bb:cc:dd:ee:ff */
	ISIF_SETTING_TRANSPORT, /**< name of a kernel transport */
};

/** Which family's block of a record a setting is written in (open-iscsi, idbm_recinfo_iface). */
enum isif_setting_family {
	ISIF_FAMILY_ANY = 0,
	ISIF_FAMILY_IPV4 = 1,
	ISIF_FAMILY_IPV6 = 2,
};

/** Which array of kernel parameters carries a setting to an offload port (scsi/iscsi_if.h). */
enum isif_setting_parameter_type {
	ISIF_PARAMETER_NONE = 0,
	ISIF_PARAMETER_NET = 2,
	ISIF_PARAMETER_IFACE = 5,
};

/**
 * One line of the catalogue: everything that is known of one iface.* setting. The parser, the
 * checks of SETs, the MIB's setting table and the command line are all driven by it.
 */
struct isif_setting {
	const char *name; /**< without the leading "iface." */
	enum isif_setting_type type;
	enum isif_setting_family family;
	bool software;	     /**< can apply to the software transports too */
	uint16_t size;	     /**< octets of open-iscsi's field, with the NUL; 0 for numbers */
	uint32_t minimum;    /**< of a number that is set */
	uint32_t maximum;    /**< of a number */
	const char *choices; /**< of a choice: words separated by blanks */
	enum isif_setting_parameter_type parameter_type;
	uint16_t parameter; /**< number of the kernel parameter */
	uint8_t octets;	    /**< of a number on its way to the kernel */
	const char
		*attribute; /**< where an iscsi_iface object shows it in sysfs, NULL if nowhere */
};

/** The whole catalogue in the order of open-iscsi's records; *count gets its length. */
const struct isif_setting *isif_settings(size_t *count);

/** The entry with this name (no "iface." before it), NULL if this version does not know it. */
const struct isif_setting *isif_setting_find(const char *name);

/** What kind of iface a transport makes. */
enum isif_iface_kind {
	ISIF_KIND_BUILT_IN = 1,
	ISIF_KIND_SOFTWARE = 2,
	ISIF_KIND_OFFLOAD = 3,
};

/** True for the transports that use the host's own network stack: tcp and iser. */
bool isif_transport_is_software(const char *transport);

/** True if a setting of this name and value means "not set" to open-iscsi. */
bool isif_setting_is_unset(const char *name, const char *value);

/**
 * The family whose block open-iscsi writes for an iface of this name, address and boot protocol
 * (iface_get_iptype): by the address where there is one, else IPv6 if the name says "ipv6".
 */
enum isif_setting_family isif_setting_family_of(const char *iface, const char *address,
						const char *bootproto);

#endif
