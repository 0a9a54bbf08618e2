/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * checked_copy_test.c - reads of any address
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/checked_copy.h"
#include "tests/test.h"

#define PAGE 4096u

/* The framework sets handlers of its own for each test, so each test installs ours again. */
#define CHECKED_TEST(sentence)                                          \
	static void checked_##sentence(void);                           \
	TEST(checked_copy, sentence)                                    \
	{                                                               \
		EXPECT_EQ(checked_copy_init(), 0);                      \
		checked_##sentence();                                   \
	}                                                               \
	static void checked_##sentence(void)

static void *two_pages(void)
{
	void *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);

	EXPECT_TRUE(pages != MAP_FAILED);
	return pages;
}

/* Two pages; the second faults. */
static u8 *page_before_a_hole(void)
{
	u8 *pages = two_pages();

	EXPECT_EQ(mprotect(pages + PAGE, PAGE, PROT_NONE), 0);
	for (u32 i = 0; i < PAGE; i++)
		pages[i] = i * 7 + 1;
	return pages;
}

static u64 unmapped_address(void)
{
	u8 *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(page, PAGE);
	return (u64)page;
}

static u64 behind_a_truncated_file(void)
{
	int fd = memfd_create("truncated", MFD_CLOEXEC);
	void *page;

	EXPECT_EQ(ftruncate(fd, PAGE), 0);
	page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	EXPECT_TRUE(page != MAP_FAILED);
	EXPECT_EQ(ftruncate(fd, 0), 0);
	close(fd);
	return (u64)page;
}

static void expect_fault(u64 addr)
{
	static const u32 sizes[] = { 1, 2, 4, 8 };
	u8 dst[40], zero[40] = { 0 };
	u64 value = 77;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		EXPECT_EQ(checked_load(addr, sizes[i], &value), -EFAULT);
		EXPECT_EQ(value, 77);
	}
	for (u32 len = 1; len <= sizeof(dst); len++) {
		memset(dst, 0xee, sizeof(dst));
		EXPECT_EQ(checked_copy(dst, addr, len), -EFAULT);
		EXPECT_MEM_EQ(dst, zero, len);
	}
	memset(dst, 0xee, sizeof(dst));
	EXPECT_EQ(checked_copy_str(dst, addr, sizeof(dst)), -EFAULT);
	EXPECT_EQ(dst[0], 0);
}

TEST(checked_copy, init_may_be_called_again)
{
	EXPECT_EQ(checked_copy_init(), 0);
	EXPECT_EQ(checked_copy_init(), 0);
}

CHECKED_TEST(no_address_is_deadly)
{
	expect_fault(0);
	expect_fault(8);
	expect_fault(0xffffffff81000000ull);		/* the kernel's half */
	expect_fault(0xffffffffffffff00ull);
	expect_fault(0x8000000000000000ull);		/* not canonical on x86 */
	expect_fault(0x1234567800000000ull);
	expect_fault(unmapped_address());
	expect_fault((u64)page_before_a_hole() + PAGE);
	expect_fault(behind_a_truncated_file());	/* SIGBUS */
}

CHECKED_TEST(loads_of_every_size_are_zero_extended)
{
	static const u8 bytes[] = { 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8 };
	u64 value = 0;

	EXPECT_EQ(checked_load((u64)bytes, 1, &value), 0);
	EXPECT_EQ(value, 0xf1);
	EXPECT_EQ(checked_load((u64)bytes, 2, &value), 0);
	EXPECT_EQ(value, 0xf2f1);
	EXPECT_EQ(checked_load((u64)bytes, 4, &value), 0);
	EXPECT_EQ(value, 0xf4f3f2f1);
	EXPECT_EQ(checked_load((u64)bytes, 8, &value), 0);
	EXPECT_EQ((u64)value, 0xf8f7f6f5f4f3f2f1ull);
	EXPECT_EQ(checked_load((u64)bytes, 3, &value), -EINVAL);
}

CHECKED_TEST(every_offset_and_length_is_copied_exactly)
{
	u8 *page = page_before_a_hole();

	for (u32 off = 0; off < 16; off++) {
		for (u32 len = 0; len < 48; len++) {
			u8 dst[50];

			memset(dst, 0xee, sizeof(dst));
			EXPECT_EQ(checked_copy(dst + 1, (u64)page + off, len), 0);
			EXPECT_EQ(dst[0], 0xee);
			EXPECT_MEM_EQ(dst + 1, page + off, len);
			EXPECT_EQ(dst[1 + len], 0xee);
		}
	}
}

CHECKED_TEST(a_copy_that_reaches_a_hole_fails_as_a_whole)
{
	u8 *hole = page_before_a_hole() + PAGE;
	u8 dst[32], zero[32] = { 0 };

	for (u32 len = 1; len <= sizeof(dst); len++) {
		EXPECT_EQ(checked_copy(dst, (u64)hole - len, len), 0);
		EXPECT_MEM_EQ(dst, hole - len, len);
		if (len < 2)
			continue;
		EXPECT_EQ(checked_copy(dst, (u64)hole - len + 1, len), -EFAULT);
		EXPECT_MEM_EQ(dst, zero, len);
	}
}

CHECKED_TEST(strings_of_every_length_and_alignment_are_copied_with_their_nul)
{
	for (u32 off = 0; off < 8; off++) {
		for (u32 len = 0; len < 24; len++) {
			char src[40], dst[40];

			memset(src, 'x', sizeof(src));
			src[off + len] = '\0';
			memset(dst, '#', sizeof(dst));
			EXPECT_EQ(checked_copy_str(dst, (u64)(src + off), 32), len + 1);
			EXPECT_STR_EQ(dst, src + off);
			EXPECT_EQ(dst[len + 1], '#');
		}
	}
}

CHECKED_TEST(a_long_string_is_cut_off_with_a_nul)
{
	for (u32 size = 1; size < 20; size++) {
		char dst[24];

		memset(dst, '#', sizeof(dst));
		EXPECT_EQ(checked_copy_str(dst, (u64)"abcdefghijklmnopqrstuvwxyz", size), size);
		EXPECT_EQ(strlen(dst), size - 1);
		EXPECT_EQ(strncmp(dst, "abcdefghijklmnopqrstuvwxyz", size - 1), 0);
		EXPECT_EQ(dst[size], '#');
	}
}

CHECKED_TEST(size_zero_of_a_string_copies_nothing_from_anywhere)
{
	char dst = '#';

	EXPECT_EQ(checked_copy_str(&dst, 0, 0), 0);
	EXPECT_EQ(dst, '#');
}

CHECKED_TEST(a_string_may_end_right_before_a_hole)
{
	char *hole = (char *)page_before_a_hole() + PAGE;
	char dst[64];

	for (int len = 0; len < 20; len++) {
		memset(hole - 32, 'y', 32);
		hole[-1] = '\0';
		EXPECT_EQ(checked_copy_str(dst, (u64)(hole - 1 - len), sizeof(dst)), len + 1);
		EXPECT_EQ(strlen(dst), len);
	}
	hole[-1] = 'y';
	EXPECT_EQ(checked_copy_str(dst, (u64)(hole - 5), sizeof(dst)), -EFAULT);
	EXPECT_EQ(dst[0], '\0');
}

CHECKED_TEST(a_string_may_cross_pages)
{
	char *pages = two_pages();
	char dst[32];

	for (u32 before = 0; before < 20; before++) {
		char *text = pages + PAGE - before;

		memset(pages + PAGE - 32, 'z', 64);
		text[20] = '\0';
		EXPECT_EQ(checked_copy_str(dst, (u64)text, sizeof(dst)), 21);
		EXPECT_STR_EQ(dst, "zzzzzzzzzzzzzzzzzzzz");
	}
	munmap(pages, 2 * PAGE);
}

CHECKED_TEST(errno_is_left_alone)
{
	char dst[8];

	errno = 42;
	EXPECT_EQ(checked_copy(dst, 8, sizeof(dst)), -EFAULT);
	EXPECT_EQ(errno, 42);
}
