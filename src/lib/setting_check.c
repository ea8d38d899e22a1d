/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "setting_check.h"

#include "words.h"

#include <isif/record.h>

#include <arpa/inet.h>
#include <string.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS	"0123456789"

enum {
	TARGET_LENGTH = 223, /* RFC 7143, 4.2.7.2 */
	HOST_LENGTH = 253,   /* RFC 1035, 2.3.4: 255 with the octets that a text does not show */
	IFACE_LENGTH = 64,   /* open-iscsi's ISCSI_MAX_IFACE_LEN without the NUL */
};

static const char *check_number(const struct isif_setting *setting, const char *value)
{
	uint64_t number = 0;

	if (value[strspn(value, DIGITS)])
		return "it is not a decimal number without a sign";
	if (value[0] == '0' && value[1])
		return "a number is written without leading zeros";
	if (strlen(value) > 10)
		return "the number is out of the setting's range";
	for (const char *digit = value; *digit; digit++)
		number = number * 10 + (uint64_t)(*digit - '0');
	if (number && (number < setting->minimum || number > setting->maximum))
		return "the number is out of the setting's range";
	return NULL;
}

static bool is_address(int family, const char *value)
{
	unsigned char address[sizeof(struct in6_addr)];

	return inet_pton(family, value, address) == 1;
}

/* net/core/dev.c:dev_valid_name, but for the ':' of an alias. */
static const char *check_device(const char *value)
{
	if (strpbrk(value, "/ ") || !strcmp(value, ".") || !strcmp(value, ".."))
		return "no network device can have this name";
	return NULL;
}

static const char *check_hwaddress(const char *value)
{
	for (size_t i = 0; i < 17; i++)
		if (i % 3 == 2 ? value[i] != ':'
			       : !value[i] || !strchr(DIGITS "abcdefABCDEF", value[i]))
			return "a hardware address is written aa:bb:cc:dd:ee:ff";
	return value[17] ? "a hardware address is written aa:bb:cc:dd:ee:ff" : NULL;
}

static const char *check_type(const struct isif_setting *setting, const char *value)
{
	switch (setting->type) {
	case ISIF_SETTING_NUMBER:
		return check_number(setting, value);
	case ISIF_SETTING_SWITCH:
		return words_have("enable disable", value, strlen(value))
			       ? NULL
			       : "it must be enable or disable";
	case ISIF_SETTING_CHOICE:
		return words_have(setting->choices, value, strlen(value))
			       ? NULL
			       : "it is none of the setting's words";
	case ISIF_SETTING_IPV4:
		return is_address(AF_INET, value) ? NULL : "it is not an IPv4 address";
	case ISIF_SETTING_IPV6:
		return is_address(AF_INET6, value) ? NULL : "it is not an IPv6 address";
	case ISIF_SETTING_ADDRESS:
		return is_address(AF_INET, value) || is_address(AF_INET6, value)
			       ? NULL
			       : "it is not an IPv4 or IPv6 address";
	case ISIF_SETTING_DEVICE:
		return check_device(value);
	case ISIF_SETTING_HWADDRESS:
		return check_hwaddress(value);
	case ISIF_SETTING_TRANSPORT:
		/* usr/transport.c:transports */
		return words_have("tcp iser cxgb3i cxgb4i bnx2i be2iscsi qla4xxx ocs qedi", value,
				  strlen(value))
			       ? NULL
			       : "open-iscsi has no transport of this name";
	case ISIF_SETTING_NAME:
	case ISIF_SETTING_TEXT:
	default:
		return NULL;
	}
}

const char *setting_check_value(const struct isif_setting *setting, const char *value,
				size_t length)
{
	char text[ISIF_VALUE_SIZE];

	if (setting->type == ISIF_SETTING_NAME)
		return "the name of an iface cannot be changed";
	if (!length)
		return NULL;
	if (length >= sizeof(text) || (setting->size && length >= setting->size))
		return "it is longer than open-iscsi's field";
	for (size_t i = 0; i < length; i++)
		if (is_control(value[i]))
			return "it holds a control character";
	if (value[0] == ' ' || value[length - 1] == ' ')
		return "open-iscsi would cut the blank at its beginning or end";
	memcpy(text, value, length);
	text[length] = '\0';
	if (!strcmp(text, "<empty>"))
		return "open-iscsi would take the word <empty> as a value: for \"not set\", write "
		       "the empty text";
	if (!strcmp(text, "default") && isif_setting_is_unset(setting->name, text))
		return "the word default means \"not set\": for that, write the empty text";
	return check_type(setting, text);
}

/* True if all of a text is made of these characters. */
static bool consists_of(const char *text, size_t length, const char *characters)
{
	for (size_t i = 0; i < length; i++)
		if (!text[i] || !strchr(characters, text[i]))
			return false;
	return true;
}

static bool is(const char *text, size_t length, const char *word)
{
	return length == strlen(word) && !memcmp(text, word, length);
}

const char *setting_check_iface_name(const char *name, size_t length)
{
	if (!length || length > IFACE_LENGTH)
		return "the name of an iface has 1 to 64 characters";
	if (!consists_of(name, length, LETTERS DIGITS "._:-"))
		return "the name of an iface is made of letters, digits, '.', '_', ':' and '-'";
	if (!consists_of(name, 1, LETTERS DIGITS))
		return "the name of an iface begins with a letter or a digit";
	if (is(name, length, "default") || is(name, length, "iser"))
		return "this iface is built in";
	return NULL;
}

const char *setting_check_target(const char *name, size_t length)
{
	if (!length || length > TARGET_LENGTH)
		return "the name of a target has 1 to 223 octets";
	for (size_t i = 0; i < length; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return "the name of a target is printable ASCII without blanks";
	/* It becomes a directory, and part of a link whose parts are separated by commas. */
	if (name[0] == '.' || memchr(name, '/', length) || memchr(name, ',', length))
		return "the name of a target must not begin with '.', nor hold '/' or ','";
	return NULL;
}

const char *setting_check_host(const char *name, size_t length)
{
	if (!length || length > HOST_LENGTH)
		return "the name of a host has 1 to 253 characters";
	if (!consists_of(name, length, LETTERS DIGITS ".-_"))
		return "the name of a host is made of letters, digits, '.', '-' and '_'";
	if (name[0] == '.' || name[0] == '-')
		return "the name of a host does not begin with '.' or '-'";
	return NULL;
}

static const char *value_of(const struct setting_lookup *lookup, const char *setting)
{
	const char *value = lookup->value(lookup->context, setting);

	return value && !isif_setting_is_unset(setting, value) ? value : "";
}

static bool is_set(const struct setting_lookup *lookup, const char *setting)
{
	return *value_of(lookup, setting);
}

static const char *refuse(const char **setting_at_fault, const char *setting, const char *reason)
{
	*setting_at_fault = setting;
	return reason;
}

/* usr/io.c:bind_conn_to_iface: the hardware address, else the device; never an address. */
static const char *check_software(const struct setting_lookup *lookup,
				  const char **setting_at_fault)
{
	const char *device = value_of(lookup, "net_ifacename");

	if (is_set(lookup, "hwaddress") && *device)
		return refuse(setting_at_fault, "hwaddress",
			      "with hwaddress and net_ifacename, open-iscsi binds by hwaddress "
			      "alone: set one of them");
	if (is_set(lookup, "ipaddress") && !is_set(lookup, "hwaddress") && !*device)
		return refuse(setting_at_fault, "ipaddress",
			      "open-iscsi cannot bind a software iface by address: set "
			      "net_ifacename or hwaddress");
	if (*device && lookup->device_exists && !lookup->device_exists(lookup->context, device))
		return refuse(setting_at_fault, "net_ifacename",
			      "bindings use this iface and there is no such network device");
	return NULL;
}

static const char *check_offload(const char *transport, const struct setting_lookup *lookup,
				 const char **setting_at_fault)
{
	static const char *const owned[] = { "ipaddress", "subnet_mask", "gateway" };

	if (strcmp(transport, "be2iscsi") != 0)
		return NULL;
	for (size_t i = 0; i < sizeof(owned) / sizeof(*owned); i++)
		if (is_set(lookup, owned[i]))
			return refuse(setting_at_fault, owned[i],
				      "the BIOS of a be2iscsi port owns its address");
	return NULL;
}

/* What cannot have an effect, or (of the other family) is unknown to libopeniscsiusr there. */
static const char *check_useless(bool software, enum isif_setting_family family,
				 const struct setting_lookup *lookup, const char **setting_at_fault)
{
	size_t count;
	const struct isif_setting *settings = isif_settings(&count);

	for (size_t i = 0; i < count; i++) {
		const struct isif_setting *setting = &settings[i];
		bool fits = setting->family == ISIF_FAMILY_ANY || setting->family == family;

		if ((fits && (setting->software || !software)) || !is_set(lookup, setting->name))
			continue;
		return refuse(setting_at_fault, setting->name,
			      software ? "it has no effect on the software transports tcp and iser"
				       : "it belongs to the other address family");
	}
	return NULL;
}

const char *setting_check_iface(const char *name, const struct setting_lookup *lookup,
				const char **setting_at_fault)
{
	const char *transport = value_of(lookup, "transport_name");
	bool software = !*transport || isif_transport_is_software(transport);
	enum isif_setting_family family = isif_setting_family_of(
		name, value_of(lookup, "ipaddress"), value_of(lookup, "bootproto"));
	const char *reason;

	*setting_at_fault = NULL;
	/*
	 * usr/iface.c:iface_get_iptype looks at the address, libopeniscsiusr at the name alone. If
	 * they differ, one writes keys that the other refuses, with all other records.
	 */
	if (family != isif_setting_family_of(name, "", ""))
		return refuse(setting_at_fault, "ipaddress",
			      "the name of an iface has \"ipv6\" in it if its address is an IPv6 "
			      "one, and only then: else open-iscsi fails for all records");
	reason = software ? check_software(lookup, setting_at_fault)
			  : check_offload(transport, lookup, setting_at_fault);
	return reason ? reason : check_useless(software, family, lookup, setting_at_fault);
}
