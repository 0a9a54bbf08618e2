/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/cli/option_test.c - the one table of options
 */
#include <errno.h>

#include "tests/test.h"

#include "cli/cmd/command.h"
#include "cli/cmd/option.h"
#include "cli/collect/collect.h"
#include "cli/out/out.h"

TEST(option, every_letter_and_name_means_one_thing)
{
	for (u32 i = 0; i < nr_option_rows; i++) {
		for (u32 j = i + 1; j < nr_option_rows; j++) {
			EXPECT_TRUE(strcmp(option_table[i].name, option_table[j].name));
			EXPECT_TRUE(!option_table[i].letter ||
				    option_table[i].letter != option_table[j].letter);
			EXPECT_NE(option_table[i].offset, option_table[j].offset);
		}
	}
}

TEST(option, rows_are_whole)
{
	for (u32 i = 0; i < nr_option_rows; i++) {
		const struct option_row *row = &option_table[i];

		EXPECT_TRUE(row->help && row->help[0]);
		EXPECT_EQ(!row->arg, row->kind == OPTION_FLAG);
		EXPECT_EQ(!row->choices, row->kind != OPTION_CHOICE &&
					 row->kind != OPTION_WORD);
		EXPECT_EQ(!row->most, row->kind != OPTION_NUMBER);
		EXPECT_TRUE(row->least <= row->most);
		EXPECT_TRUE(row->offset < sizeof(struct params));
	}
}

static const struct option_row *find(const char *name)
{
	for (u32 i = 0; i < nr_option_rows; i++)
		if (!strcmp(option_table[i].name, name))
			return &option_table[i];
	return NULL;
}

TEST(option, formats_are_those_there_are)
{
	char names[256] = "";

	for (u32 i = 0; i < nr_out_formats; i++) {
		strcat(names, i ? "|" : "");
		strcat(names, out_formats[i]->name);
	}
	EXPECT_STR_EQ(find("format")->choices, names);
}

/* The source "file" is asked for by --read. */
TEST(option, sources_are_those_there_are)
{
	char choices[256] = "|", word[32];
	u32 nr = 0;

	strcat(choices, find("source")->choices);
	strcat(choices, "|");
	EXPECT_TRUE(strstr(choices, "|auto|") != NULL);
	for (u32 i = 0; i < nr_commands; i++) {
		const struct collect_noun *noun = command_table[i].collect;

		for (u32 k = 0; k < noun->nr_sources; k++) {
			snprintf(word, sizeof(word), "|%s|", noun->sources[k]->name);
			EXPECT_EQ(!strstr(choices, word), noun->sources[k] == &file_source);
			nr++;
		}
	}
	EXPECT_TRUE(nr > 0);
}

static int parse(struct params *params, struct option_error *error, char **argv)
{
	int argc = 0, err;

	while (argv[argc])
		argc++;
	err = option_parse(argc, argv, params, error);
	free(params->words);
	return err;
}

TEST(option, numbers_and_seconds_keep_to_their_bounds)
{
	struct option_error error;
	struct params params;

	EXPECT_EQ(parse(&params, &error, (char *[]){ "rove", "--top", "4294967295", NULL }), 0);
	EXPECT_EQ(params.top, UINT32_MAX);
	EXPECT_EQ(parse(&params, &error, (char *[]){ "rove", "--top", "4294967296", NULL }),
		  -EINVAL);
	EXPECT_STR_EQ(error.where, "--top");
	EXPECT_EQ(parse(&params, &error, (char *[]){ "rove", "-i.25", NULL }), 0);
	EXPECT_EQ(params.interval_ns, 250000000);
	EXPECT_EQ(parse(&params, &error, (char *[]){ "rove", "-i", "1000000", NULL }), 0);
	EXPECT_EQ(params.interval_ns, 1000000000000000);
	EXPECT_EQ(parse(&params, &error, (char *[]){ "rove", "-i", "0.0009", NULL }), -EINVAL);
}

TEST(option, a_list_takes_no_more_than_it_holds)
{
	struct option_error error;
	struct params params;
	char *argv[2 * MAX_REPEATS + 4] = { "rove" };
	u32 i;

	for (i = 0; i < MAX_REPEATS; i++) {
		argv[2 * i + 1] = "-F";
		argv[2 * i + 2] = "name=x";
	}
	EXPECT_EQ(parse(&params, &error, argv), 0);
	EXPECT_EQ(params.filters.nr, MAX_REPEATS);
	argv[2 * i + 1] = "-F";
	argv[2 * i + 2] = "name=x";
	EXPECT_EQ(parse(&params, &error, argv), -EINVAL);
}

TEST(option, messages_about_long_words_stay_in_their_room)
{
	struct option_error error;
	struct params params;
	char word[1000] = "--";

	memset(word + 2, 'x', sizeof(word) - 3);
	word[sizeof(word) - 1] = '\0';
	EXPECT_EQ(parse(&params, &error, (char *[]){ "rove", word, NULL }), -EINVAL);
	EXPECT_EQ(parse(&params, &error, (char *[]){ "rove", "--color", word, NULL }), -EINVAL);
	EXPECT_EQ(parse(&params, &error, (char *[]){ "rove", "--top", word, NULL }), -EINVAL);
	EXPECT_TRUE(strlen(error.text) < sizeof(error.text));
}
