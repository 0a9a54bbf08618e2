/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/report/print.c - a state, a value, an instruction as log text
 *
 * Not here: when something is printed (search/), where it goes (log.c).
 */
#include <stdio.h>
#include <string.h>

#include "bpf/core/disasm.h"
#include "bpf/verifier/report/log.h"
#include "bpf/verifier/report/print.h"

#define PATH_LEVELS (1u | 2u)
#define MIN_COLUMN 40
#define TAB_COLUMNS 8
#define MIN_GAP 5

/* --- numbers ---------------------------------------------------------------------------------- */

/* Small numbers in decimal, the others in hexadecimal. */
static void put_signed(struct strbuf *out, s64 n)
{
	strbuf_printf(out, n >= INT16_MIN && n <= INT16_MAX ? "%lld" : "%#llx", (long long)n);
}

static void put_unsigned(struct strbuf *out, u64 n)
{
	strbuf_printf(out, n <= UINT16_MAX ? "%llu" : "%#llx", (unsigned long long)n);
}

/* One list of "name=value": a comma before each but the first. */
struct list {
	struct strbuf *out;
	bool begun;
};

static void next_item(struct list *l)
{
	if (l->begun)
		strbuf_putc(l->out, ',');
	l->begun = true;
}

struct bound {
	const char *name;
	s64 value;
	bool is_signed, shown;
};

/* Bounds of the same value share one "=value"; those that say nothing are left out. */
static void put_bounds(struct list *l, const struct scalar *s)
{
	struct bound b[] = {
		{ "smin", scalar_smin(s), true, scalar_smin(s) == INT64_MIN },
		{ "smax", scalar_smax(s), true, scalar_smax(s) == INT64_MAX },
		{ "umin", scalar_umin(s), false, scalar_umin(s) == 0 },
		{ "umax", scalar_umax(s), false, scalar_umax(s) == UINT64_MAX },
		{ "smin32", scalar_smin32(s), true, scalar_smin32(s) == INT32_MIN },
		{ "smax32", scalar_smax32(s), true, scalar_smax32(s) == INT32_MAX },
		{ "umin32", scalar_umin32(s), false, scalar_umin32(s) == 0 },
		{ "umax32", scalar_umax32(s), false, scalar_umax32(s) == UINT32_MAX },
	};

	for (u32 i = 0; i < ARRAY_SIZE(b); i++) {
		if (b[i].shown)
			continue;
		next_item(l);
		for (u32 k = i; k < ARRAY_SIZE(b); k++) {
			if (b[k].shown || b[k].value != b[i].value)
				continue;
			strbuf_printf(l->out, "%s=", b[k].name);
			b[k].shown = true;
		}
		if (b[i].is_signed)
			put_signed(l->out, b[i].value);
		else
			put_unsigned(l->out, b[i].value);
	}
	if (!tnum_is_unknown(s->bits)) {
		next_item(l);
		strbuf_printf(l->out, "var_off=(0x%llx; 0x%llx)", (unsigned long long)s->bits.value,
			      (unsigned long long)s->bits.mask);
	}
}

/* --- values ----------------------------------------------------------------------------------- */

static void put_type(const struct vrf *v, const struct value *val, struct strbuf *out)
{
	static const struct {
		u16 flag;
		const char *prefix;
	} prefixes[] = {
		{ VF_RDONLY, "rdonly_" }, { VF_RCU, "rcu_" },	     { VF_UNTRUSTED, "untrusted_" },
		{ VF_SCOPED, "scoped_" }, { VF_TRUSTED, "trusted_" },
	};

	for (u32 i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (val->flags & prefixes[i].flag)
			strbuf_puts(out, prefixes[i].prefix);
	if (val->kind == V_BTF) {
		strbuf_printf(out, "ptr_%s%s", val->flags & VF_MAYBE_NULL ? "or_null_" : "",
			      btf_name(val->btf.btf, val->btf.type_id));
		return;
	}
	strbuf_puts(out, value_name(val));
	if (val->flags & VF_MAYBE_NULL)
		strbuf_puts(out, "_or_null");
}

static void put_map(const struct vrf *v, const struct value *val, struct list *l)
{
	const struct vrf_map *map = val->map.map;

	if ((val->kind != V_MAP && val->kind != V_MAP_VALUE && val->kind != V_MAP_KEY) || !map)
		return;
	next_item(l);
	strbuf_printf(l->out, "map=%s,ks=%u,vs=%u", map->name ? map->name : "", map->key_size,
		      map->value_size);
}

static void put_pointer(const struct vrf *v, const struct value *val, struct strbuf *out)
{
	struct list l = { .out = out };

	strbuf_putc(out, '(');
	if (val->id) {
		next_item(&l);
		strbuf_printf(out, "id=%u", val->id);
	}
	if (val->ref) {
		next_item(&l);
		strbuf_printf(out, "ref_obj_id=%u", val->ref);
	}
	put_map(v, val, &l);
	if (val->kind == V_MEM) {
		next_item(&l);
		strbuf_printf(out, "sz=%u", val->mem.size);
	}
	if (!scalar_is_const(&val->num)) {
		put_bounds(&l, &val->num);
	} else if (scalar_value(&val->num)) {
		next_item(&l);
		strbuf_puts(out, "off=");
		put_signed(out, scalar_value(&val->num));
	}
	strbuf_putc(out, ')');
}

static void put_scalar(const struct value *val, struct strbuf *out)
{
	struct list l = { .out = out };

	strbuf_puts(out, "scalar(");
	if (val->id) {
		next_item(&l);
		strbuf_printf(out, "id=%u", val->id);
	}
	put_bounds(&l, &val->num);
	strbuf_putc(out, ')');
}

/**
 * print_value - one value as text
 * @frame: index of the frame that looks at it
 *
 * Context: thread.
 */
void print_value(const struct vrf *v, const struct value *val, u32 frame, struct strbuf *out)
{
	if (val->precise)
		strbuf_putc(out, 'P');
	if (val->kind == V_SCALAR && scalar_is_const(&val->num)) {
		put_signed(out, scalar_value(&val->num));
		return;
	}
	if (val->kind == V_SCALAR) {
		put_scalar(val, out);
		return;
	}
	put_type(v, val, out);
	if (val->kind == V_STACK && val->stack.frame != frame)
		strbuf_printf(out, "[%u]", val->stack.frame);
	if (val->kind == V_STACK && scalar_is_const(&val->num))
		put_signed(out, scalar_value(&val->num));
	else
		put_pointer(v, val, out);
}

/* --- states ----------------------------------------------------------------------------------- */

static void put_object(const struct slot *slot, struct strbuf *out)
{
	const struct slot_obj *obj = &slot->obj;

	switch (slot->byte[0]) {
	case BYTE_ITER:
		strbuf_printf(out, "%s(ref_id=%u,state=%s,depth=%u)",
			      obj->btf ? btf_name(obj->btf, obj->type_id) : "iter", obj->ref,
			      obj->phase == ITER_DRAINED ? "drained" : "active", obj->depth);
		break;
	case BYTE_DYNPTR:
		strbuf_printf(out, "dynptr(id=%u,ref_id=%u)", obj->id, obj->ref);
		break;
	default:
		strbuf_printf(out, "irq_flag(ref_id=%u)", obj->ref);
		break;
	}
}

/* The byte at the highest address first; those of a spill are said by its value. */
static void put_slot(const struct vrf *v, const struct stack *stack, u32 i, u32 frame,
		     struct strbuf *out)
{
	static const char letter[BYTE_KINDS] = {
		[BYTE_NONE] = '?', [BYTE_MISC] = 'm', [BYTE_ZERO] = '0', [BYTE_SPILL] = 'r',
		[BYTE_ITER] = 'i', [BYTE_DYNPTR] = 'd', [BYTE_IRQ_FLAG] = 'f',
	};
	const struct slot *slot = &stack->slot[i];
	bool touched = false;

	for (u32 b = 0; b < sizeof(slot->byte); b++)
		touched |= slot->byte[b] != BYTE_NONE;
	if (!touched || (slot_is_object(slot) && slot->obj.index))
		return;
	strbuf_printf(out, " fp%d=", stack_slot_off(i));
	if (slot_is_object(slot)) {
		put_object(slot, out);
		return;
	}
	for (u32 b = sizeof(slot->byte); b-- > 0 && slot->byte[b] != BYTE_SPILL;)
		strbuf_putc(out, letter[slot->byte[b]]);
	if (slot_is_spill(slot))
		print_value(v, &slot->spill, frame, out);
}

static void put_reg(const struct vrf *v, const struct frame *fr, u32 r, u32 frame,
		    struct strbuf *out)
{
	if (fr->regs[r].kind == V_NONE)
		return;
	strbuf_printf(out, " R%u=", r);
	print_value(v, &fr->regs[r], frame, out);
}

static void put_held(const struct vstate *st, const struct frame *fr, struct strbuf *out)
{
	for (u32 i = 0; i < st->refs.nr; i++)
		strbuf_printf(out, "%s%u", i ? "," : " refs=", st->refs.ref[i].id);
	if (fr->in_callback)
		strbuf_puts(out, " cb");
	if (fr->async)
		strbuf_puts(out, " async_cb");
}

/**
 * print_frame - registers and slots of one frame, and what is held
 *
 * Context: thread.
 */
static void print_frame(const struct vrf *v, const struct vstate *st, u32 frame, struct strbuf *out)
{
	const struct frame *fr = st->frames[frame];

	if (frame)
		strbuf_printf(out, " frame%u:", frame);
	for (u32 r = 0; r < FRAME_REGS; r++)
		put_reg(v, fr, r, frame, out);
	for (u32 i = 0; i < fr->stack.nr_slots; i++)
		put_slot(v, &fr->stack, i, frame, out);
	put_held(st, fr, out);
}

/* The log takes a line of any length in pieces. */
static void log_text(struct vrf *v, u32 level_bits, const struct strbuf *text)
{
	const u32 piece = 512;

	for (size_t at = 0; at < text->len; at += piece)
		vlog_print(v, level_bits, "%.*s", (int)min(text->len - at, (size_t)piece),
			   text->text + at);
}

/**
 * print_state - the state before an instruction, on a line
 *
 * Context: thread.
 */
void print_state(struct vrf *v, u32 level_bits, const struct vstate *st, u32 pc)
{
	struct strbuf text = STRBUF_INIT;

	if (!vlog_wants(v, level_bits))
		return;
	strbuf_printf(&text, "%u:", pc);
	print_frame(v, st, st->depth - 1, &text);
	strbuf_putc(&text, '\n');
	log_text(v, level_bits, &text);
	strbuf_fini(&text);
}

/* --- instructions ----------------------------------------------------------------------------- */

/*
 * The line of source that became instruction @pc, or NULL.  The records are in
 * ascending order, which facts/ checks first.
 */
static const struct bpf_line_info *line_of(const struct vrf_request *req, u32 pc)
{
	u32 low = 0, high = req->prog_btf && req->line_info ? req->nr_line_info : 0;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (req->line_info[mid].insn_off <= pc)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? &req->line_info[low - 1] : NULL;
}

/**
 * print_source - the line of source that begins at @pc
 *
 * Context: thread.
 */
void print_source(struct vrf *v, u32 level_bits, u32 pc)
{
	const struct bpf_line_info *line;
	const struct btf *btf = v->req->prog_btf;
	const char *text, *file;

	if (!vlog_wants(v, level_bits))
		return;
	line = line_of(v->req, pc);
	if (!line || line->insn_off != pc)
		return;
	text = btf_str(btf, line->line_off);
	file = btf_str(btf, line->file_name_off);
	while (*text == ' ' || *text == '\t')
		text++;
	for (const char *c = file; *c; c++)
		if (*c == '/')
			file = c + 1;
	vlog_print(v, level_bits, "; %.400s @ %.100s:%u\n", text, file,
		   BPF_LINE_INFO_LINE_NUM(line->line_col));
}

/**
 * print_insn - number, opcode and text, no newline
 *
 * Context: thread.
 * Return:  columns written; 0 when nobody asked.
 */
u32 print_insn(struct vrf *v, u32 level_bits, u32 pc)
{
	const struct bpf_insn *insn = &v->req->insns[pc];
	const struct btf *btf = v->req->platform->btf;
	const char *callee = NULL;
	char text[256], line[300];

	if (!vlog_wants(v, level_bits))
		return 0;
	if (insn_is_kfunc_call(insn))
		callee = btf_name(btf, insn->imm);
	insn_disasm(insn, callee, text, sizeof(text));
	snprintf(line, sizeof(line), "%u: (%02x) %s", pc, insn->code, text);
	vlog_print(v, level_bits, "%s", line);
	return strlen(line);
}

/* Registers worth showing after the instruction: what it read and wrote. */
static u32 touched_regs(const struct bpf_insn *insn)
{
	switch (insn_class(insn)) {
	case BPF_JMP:
	case BPF_JMP32:
		if (insn->code == (BPF_JMP | BPF_CALL))
			return 1u << BPF_REG_0;
		if (insn_op(insn) == BPF_JA || insn_op(insn) == BPF_EXIT)
			return 0;
		return 1u << insn->dst_reg | (insn_is_reg_form(insn) ? 1u << insn->src_reg : 0);
	case BPF_LD:
	case BPF_ST:
		return 1u << insn->dst_reg;
	case BPF_ALU:
	case BPF_ALU64:
		return 1u << insn->dst_reg | (insn_is_reg_form(insn) && insn_op(insn) != BPF_END ?
						      1u << insn->src_reg : 0);
	default:
		return 1u << insn->dst_reg | 1u << insn->src_reg;
	}
}

static void put_touched_slot(const struct vrf *v, const struct vstate *st,
			     const struct bpf_insn *insn, struct strbuf *out)
{
	u8 class = insn_class(insn);
	u32 base = class == BPF_LDX ? insn->src_reg : insn->dst_reg, frame = st->depth - 1;
	const struct stack *stack = &st->frames[frame]->stack;
	const struct value *at = &st->frames[frame]->regs[base];
	s64 off;

	if ((class != BPF_ST && class != BPF_STX && class != BPF_LDX) || at->kind != V_STACK ||
	    at->stack.frame != frame || !scalar_is_const(&at->num))
		return;
	off = (s64)scalar_value(&at->num) + insn->off;
	if (off < -STACK_BYTES || off >= 0 || stack_slot_of(off) >= stack->nr_slots)
		return;
	put_slot(v, stack, stack_slot_of(off), frame, out);
}

/**
 * print_touched - the end of an instruction's line
 * @columns: what print_insn() returned
 *
 * Context: thread.
 */
void print_touched(struct vrf *v, u32 level_bits, const struct vstate *st, u32 pc, u32 columns)
{
	const struct bpf_insn *insn = &v->req->insns[pc];
	u32 frame = st->depth - 1, regs = touched_regs(insn);
	u32 column = max(columns + MIN_GAP, (u32)MIN_COLUMN);
	struct strbuf text = STRBUF_INIT;

	if (!vlog_wants(v, level_bits))
		return;
	if (frame)
		strbuf_printf(&text, " frame%u:", frame);
	for (u32 r = 0; r < FRAME_REGS; r++)
		if (regs >> r & 1)
			put_reg(v, st->frames[frame], r, frame, &text);
	put_touched_slot(v, st, insn, &text);
	column = (column + TAB_COLUMNS - 1) / TAB_COLUMNS * TAB_COLUMNS;
	if (regs && text.len)
		vlog_print(v, level_bits, "%*s;", (int)(column - columns - 2), "");
	if (regs)
		log_text(v, level_bits, &text);
	vlog_print(v, level_bits, "\n");
	strbuf_fini(&text);
}

/**
 * print_before - an instruction that is about to be executed
 * @jumped:   control did not come from the instruction before it
 * @ret_line: for print_after()
 *
 * The newline is written at once, so that a rejection begins a line of its own.
 *
 * Context: thread.
 */
void print_before(struct vrf *v, const struct vstate *st, u32 pc, bool jumped,
		  struct print_line *ret_line)
{
	*ret_line = (struct print_line){ 0 };
	if (!vlog_wants(v, PATH_LEVELS))
		return;
	if (jumped)
		print_state(v, PATH_LEVELS, st, pc);
	print_source(v, PATH_LEVELS, pc);
	ret_line->columns = print_insn(v, PATH_LEVELS, pc);
	ret_line->mark = vlog_mark(v);
	vlog_print(v, PATH_LEVELS, "\n");
}

/**
 * print_after - what the instruction touched, unless something else was said since
 *
 * Context: thread.
 */
void print_after(struct vrf *v, const struct vstate *st, u32 pc, const struct print_line *line)
{
	if (!vlog_wants(v, PATH_LEVELS) || vlog_mark(v) != line->mark + 1)
		return;
	vlog_cut(v, line->mark);
	print_touched(v, PATH_LEVELS, st, pc, line->columns);
}
