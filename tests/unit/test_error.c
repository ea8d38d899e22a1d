/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "suites.h"

#include <isif/error.h>

#include "helpers.h"

#include <errno.h>
#include <string.h>

static void test_texts(void)
{
	for (int i = ISIF_OK; i <= ISIF_UNDO_FAILED + 1; i++) {
		const char *text = isif_error_text((enum isif_error)i);

		CU_ASSERT_PTR_NOT_NULL_FATAL(text);
		CU_ASSERT_NOT_EQUAL(*text, '\0');
		for (int j = ISIF_OK; j < i; j++)
			CU_ASSERT_STRING_NOT_EQUAL(text, isif_error_text((enum isif_error)j));
	}
}

static void test_errno(void)
{
	static const struct {
		int number;
		enum isif_error error;
	} cases[] = {
		{ 0, ISIF_OK },
		{ ENOMEM, ISIF_NO_MEMORY },
		{ ENOENT, ISIF_NOT_FOUND },
		{ ENOTDIR, ISIF_NOT_FOUND },
		{ ENODEV, ISIF_NOT_FOUND },
		{ EACCES, ISIF_NO_ACCESS },
		{ EPERM, ISIF_NO_ACCESS },
		{ EIO, ISIF_IO },
		{ ENOSPC, ISIF_LIMIT },
		{ EMFILE, ISIF_LIMIT },
		{ ENOBUFS, ISIF_OVERFLOW },
		{ ENOTCONN, ISIF_UNAVAILABLE },
		{ ENAMETOOLONG, ISIF_TOO_LONG },
		{ 100000, ISIF_IO },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		CU_ASSERT_EQUAL(isif_error_from_errno(cases[i].number), cases[i].error);
}

void add_error_tests(void)
{
	CU_pSuite suite = CU_add_suite("error", NULL, NULL);

	CU_add_test(suite, "every error has a text of its own", test_texts);
	CU_add_test(suite, "errno values and their errors", test_errno);
}
