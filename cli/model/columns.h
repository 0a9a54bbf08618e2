/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/model/columns.h - the columns of a noun, as rows of their own: "-o help"
 */
#ifndef ROVE_CLI_MODEL_COLUMNS_H
#define ROVE_CLI_MODEL_COLUMNS_H

#include "cli/model/listing.h"

void columns_listing(const struct noun *noun, struct listing *ret_listing);

#endif
