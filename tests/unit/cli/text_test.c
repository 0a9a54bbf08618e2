/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/cli/text_test.c - bytes and numbers as text that is safe to show
 */
#include <limits.h>

#include "tests/test.h"

#include "cli/model/text.h"

static int encode(u32 point, char *out)
{
	if (point < 0x80) {
		out[0] = (char)point;
		out[1] = '\0';
		return 1;
	}
	if (point < 0x800) {
		out[0] = (char)(0xc0 | point >> 6);
		out[1] = (char)(0x80 | (point & 0x3f));
		out[2] = '\0';
		return 2;
	}
	if (point < 0x10000) {
		out[0] = (char)(0xe0 | point >> 12);
		out[1] = (char)(0x80 | (point >> 6 & 0x3f));
		out[2] = (char)(0x80 | (point & 0x3f));
		out[3] = '\0';
		return 3;
	}
	out[0] = (char)(0xf0 | point >> 18);
	out[1] = (char)(0x80 | (point >> 12 & 0x3f));
	out[2] = (char)(0x80 | (point >> 6 & 0x3f));
	out[3] = (char)(0x80 | (point & 0x3f));
	out[4] = '\0';
	return 4;
}

TEST(text, every_code_point_but_the_surrogates_is_a_character)
{
	char bytes[5];

	for (u32 point = 1; point <= 0x10ffff; point++) {
		int len = encode(point, bytes);

		EXPECT_EQ(text_utf8_length(bytes), point >= 0xd800 && point < 0xe000 ? 0 : len);
	}
	for (u32 point = 0x110000; point < 0x200000; point += 0x101) {
		encode(point, bytes);
		EXPECT_EQ(text_utf8_length(bytes), 0);
	}
}

TEST(text, no_other_three_bytes_are_a_character)
{
	u32 nr[5] = { 0 };

	for (u32 bits = 0x010000; bits <= 0xffffff; bits++) {
		char bytes[4] = { (char)(bits >> 16), (char)(bits >> 8), (char)bits, '\0' };
		int len = text_utf8_length(bytes);

		/* A shorter one leaves the rest free: count each only once. */
		if (len == 3 || (len == 2 && !(bits & 0xff)) || (len == 1 && !(bits & 0xffff)))
			nr[len]++;
		EXPECT_TRUE(len < 4);
	}
	EXPECT_EQ(nr[1], 0x7f);
	EXPECT_EQ(nr[2], 0x800 - 0x80);
	EXPECT_EQ(nr[3], 0x10000 - 0x800 - 0x800);
}

static const char *visible(struct strbuf *text, const char *s, bool ascii_only)
{
	strbuf_clear(text);
	text_visible(text, s, "", ascii_only);
	return strbuf_text(text);
}

static void undo_visible(const char *s, char *out)
{
	while (*s) {
		u32 byte;

		if (*s == '\\') {
			EXPECT_EQ(sscanf(s, "\\x%2x", &byte), 1);
			*out++ = (char)byte;
			s += 4;
		} else {
			*out++ = *s++;
		}
	}
	*out = '\0';
}

TEST(text, what_is_visible_can_be_undone_and_holds_no_controls)
{
	struct strbuf text = STRBUF_INIT;
	char bytes[8], back[64];

	for (u32 point = 1; point < 0x3000; point++) {
		const char *shown;

		bytes[encode(point, bytes)] = '\0';
		shown = visible(&text, bytes, point % 2);
		for (const char *c = shown; *c; c++) {
			EXPECT_TRUE((unsigned char)*c >= 0x20 && *c != 0x7f);
			EXPECT_FALSE((unsigned char)c[0] == 0xc2 && (unsigned char)c[1] < 0xa0);
			EXPECT_FALSE(point % 2 && (unsigned char)*c >= 0x80);
		}
		undo_visible(shown, back);
		EXPECT_STR_EQ(back, bytes);
	}
	strbuf_fini(&text);
}

TEST(text, bytes_that_are_no_character_are_shown_one_by_one)
{
	struct strbuf text = STRBUF_INIT;

	EXPECT_STR_EQ(visible(&text, "a\xff\xe2\x82", false), "a\\xff\\xe2\\x82");
	EXPECT_STR_EQ(visible(&text, "\xe2\x82\xac", false), "\xe2\x82\xac");
	EXPECT_STR_EQ(visible(&text, "\xe2\x82\xac", true), "\\xe2\\x82\\xac");
	EXPECT_STR_EQ(visible(&text, "\xe2\x80\xae", false), "\\xe2\\x80\\xae");
	strbuf_fini(&text);
}

static const char *duration(struct strbuf *text, s64 ns, enum text_style style)
{
	strbuf_clear(text);
	text_duration(text, ns, style);
	return strbuf_text(text);
}

TEST(text, a_text_begins_with_what_is_left_of_it_wherever_it_was_cut)
{
	static const char text[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z";
	char cut[sizeof(text)];

	for (size_t len = 0; len < sizeof(text); len++) {
		memcpy(cut, text, len);
		cut[len] = '\0';
		EXPECT_TRUE(text_begins_with(text, cut));
	}
	EXPECT_FALSE(text_begins_with(text, "b"));
	EXPECT_FALSE(text_begins_with(text, "a\xc3\xa5"));
	EXPECT_FALSE(text_begins_with("a", "ab"));
}

TEST(text, durations_have_the_unit_that_fits)
{
	static const struct { s64 ns; const char *want; } cases[] = {
		{ 0, "0" }, { 1, "1ns" }, { 999, "999ns" }, { 1000, "1us" }, { 999999, "999us" },
		{ 1000000, "1.000ms" }, { 999999999, "999.999ms" }, { 1000000000, "1.000s" },
		{ 59999999999, "59.999s" }, { 60000000000, "1m00s" }, { 3599999999999, "59m59s" },
		{ 3600000000000, "1h00m" }, { 86399999999999, "23h59m" },
		{ 86400000000000, "1d00h" }, { -1500000000, "-1.500s" },
		{ INT64_MAX, "106751d23h" }, { INT64_MIN, "-106751d23h" },
	};
	struct strbuf text = STRBUF_INIT;

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++)
		EXPECT_STR_EQ(duration(&text, cases[i].ns, TEXT_HUMAN), cases[i].want);
	EXPECT_STR_EQ(duration(&text, 1999999, TEXT_PLAIN), "1");
	EXPECT_STR_EQ(duration(&text, INT64_MIN, TEXT_EXACT), "-9223372036854775808");
	strbuf_fini(&text);
}
