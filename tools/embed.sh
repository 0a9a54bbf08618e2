#!/bin/sh
# embed.sh FILE... - assembly that puts each file into .rodata
#
# a/b/wakeup.bpf.o becomes rove_embed_wakeup_bpf_o and rove_embed_wakeup_bpf_o_end.
for file; do
	name=rove_embed_$(basename "$file" | tr -c 'A-Za-z0-9\n' _)
	printf '\t.section .rodata,"a"\n\t.balign 16\n'
	printf '\t.globl %s\n\t.hidden %s\n%s:\n\t.incbin "%s"\n' "$name" "$name" "$name" "$file"
	printf '\t.globl %s_end\n\t.hidden %s_end\n%s_end:\n\t.byte 0\n' "$name" "$name" "$name"
done
printf '\t.section .note.GNU-stack,"",@progbits\n'
