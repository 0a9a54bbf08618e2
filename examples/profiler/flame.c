/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * examples/profiler/flame.c - stacks as a tree, and the tree as a picture
 *
 * Invariant: a node's count is that of all stacks through it; what ends in it is the rest
 *            when its children are taken away.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flame.h"

#define WIDTH 1200.0
#define MARGIN 12.0
#define ROW 18
#define TOP 58
#define BOTTOM 34
#define CHAR_WIDTH 7.3		/* of the text, at most */
#define NARROWEST 0.15		/* narrower boxes are not drawn */

struct node {
	char *name;
	uint64_t count;
	struct node *children, *next;	/* by name */
};

struct flame {
	struct node root;
};

struct flame *flame_new(void)
{
	return calloc(1, sizeof(struct flame));
}

static void free_children(struct node *node)
{
	while (node->children) {
		struct node *child = node->children;

		node->children = child->next;
		free_children(child);
		free(child->name);
		free(child);
	}
}

void flame_free(struct flame *flame)
{
	if (flame)
		free_children(&flame->root);
	free(flame);
}

static struct node *child_of(struct node *node, const char *name)
{
	struct node **link = &node->children, *child;
	int order = 1;

	while (*link && (order = strcmp((*link)->name, name)) < 0)
		link = &(*link)->next;
	if (*link && !order)
		return *link;
	child = calloc(1, sizeof(*child));
	if (!child)
		return NULL;
	child->name = strdup(name);
	if (!child->name) {
		free(child);
		return NULL;
	}
	child->next = *link;
	*link = child;
	return child;
}

int flame_add(struct flame *flame, char *const *names, int nr, uint64_t count)
{
	struct node *node = &flame->root;

	for (int i = 0; i < nr; i++) {
		node->count += count;
		node = child_of(node, names[i]);
		if (!node)
			return -ENOMEM;
	}
	node->count += count;
	return 0;
}

static uint64_t ends_in(const struct node *node)
{
	uint64_t count = node->count;

	for (const struct node *child = node->children; child; child = child->next)
		count -= child->count;
	return count;
}

/* --- as text ------------------------------------------------------------------------------ */

struct path {
	const struct path *outer;
	const char *name;
};

static void write_path(const struct path *path, FILE *to)
{
	if (path->outer) {
		write_path(path->outer, to);
		fputc(';', to);
	}
	fputs(path->name, to);
}

static void fold(const struct node *node, const struct path *outer, FILE *to)
{
	for (const struct node *child = node->children; child; child = child->next) {
		struct path path = { outer, child->name };

		if (ends_in(child)) {
			write_path(&path, to);
			fprintf(to, " %llu\n", (unsigned long long)ends_in(child));
		}
		fold(child, &path, to);
	}
}

void flame_write_folded(struct flame *flame, FILE *to)
{
	fold(&flame->root, NULL, to);
}

/* --- as a picture ------------------------------------------------------------------------- */

static int depth_of(const struct node *node)
{
	int deepest = 0;

	for (const struct node *child = node->children; child; child = child->next) {
		int depth = depth_of(child);

		deepest = depth > deepest ? depth : deepest;
	}
	return deepest + 1;
}

static void write_escaped(const char *text, size_t nr, FILE *to)
{
	for (size_t i = 0; text[i] && i < nr; i++) {
		switch (text[i]) {
		case '<': fputs("&lt;", to); break;
		case '>': fputs("&gt;", to); break;
		case '&': fputs("&amp;", to); break;
		case '"': fputs("&quot;", to); break;
		default: fputc(text[i], to);
		}
	}
}

/* Warm, and the same for the same name. */
static void write_color(const char *name, FILE *to)
{
	uint32_t h = 2166136261u;

	while (*name)
		h = (h ^ (uint8_t)*name++) * 16777619u;
	fprintf(to, "hsl(%u,%u%%,%u%%)", 8 + h % 44, 72 + h / 64 % 18, 58 + h / 4096 % 12);
}

struct canvas {
	FILE *to;
	uint64_t total;
	int height;
};

static void draw(const struct canvas *c, const struct node *node, double x, int depth)
{
	double width = (WIDTH - 2 * MARGIN) * node->count / c->total;
	int y = c->height - BOTTOM - (depth + 1) * ROW;
	size_t letters = width > 8 ? (width - 8) / CHAR_WIDTH : 0;

	if (width < NARROWEST)
		return;
	fprintf(c->to, "<g class=\"f\" data-x=\"%.3f\" data-w=\"%.3f\" data-d=\"%d\"><title>", x,
		width, depth);
	write_escaped(node->name, SIZE_MAX, c->to);
	fprintf(c->to, " - %llu samples, %.2f%%</title><rect x=\"%.3f\" y=\"%d\" width=\"%.3f\" "
		"height=\"%d\" rx=\"2\" fill=\"", (unsigned long long)node->count,
		100.0 * node->count / c->total, x, y, width > 0.6 ? width - 0.4 : width, ROW - 1);
	write_color(node->name, c->to);
	fprintf(c->to, "\"/><text x=\"%.3f\" y=\"%d\" data-n=\"", x + 4, y + 13);
	write_escaped(node->name, SIZE_MAX, c->to);
	fputs("\">", c->to);
	if (letters >= strlen(node->name)) {
		write_escaped(node->name, SIZE_MAX, c->to);
	} else if (letters > 4) {
		write_escaped(node->name, letters - 2, c->to);
		fputs("..", c->to);
	}
	fputs("</text></g>\n", c->to);
	for (const struct node *child = node->children; child; child = child->next) {
		draw(c, child, x, depth + 1);
		x += (WIDTH - 2 * MARGIN) * child->count / c->total;
	}
}

static const char style[] =
	"<style>text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:#222;pointer-events:none}"
	".t{font:600 17px system-ui,sans-serif;fill:#333}.s{font:12px system-ui,sans-serif;fill:#777}"
	".f{cursor:pointer}.f:hover rect{stroke:#222;stroke-width:1}.dim{opacity:.35}</style>\n";

/* A click on a box makes it the whole width; one on the lowest shows everything again. */
static const char script[] =
	"<script><![CDATA[\n"
	"(function(){var M=12,W=1176,fs=[].slice.call(document.querySelectorAll('.f')),\n"
	"info=document.getElementById('info');\n"
	"function num(e,k){return parseFloat(e.getAttribute('data-'+k));}\n"
	"function zoom(t){var x0=num(t,'x'),w0=num(t,'w'),d0=num(t,'d');\n"
	"fs.forEach(function(e){var x=num(e,'x'),w=num(e,'w'),below=num(e,'d')<d0,\n"
	"inside=x>=x0-1e-3&&x+w<=x0+w0+1e-3,holds=below&&x<=x0+1e-3&&x+w>=x0+w0-1e-3;\n"
	"e.style.display=inside||holds?'':'none';e.classList.toggle('dim',holds);\n"
	"var nx=holds?M:M+(x-x0)*W/w0,nw=holds?W:w*W/w0,r=e.querySelector('rect'),\n"
	"s=e.querySelector('text'),n=s.getAttribute('data-n'),c=Math.floor((nw-8)/7.3);\n"
	"r.setAttribute('x',nx);r.setAttribute('width',nw>.6?nw-.4:nw);s.setAttribute('x',nx+4);\n"
	"s.textContent=n.length<=c?n:c>4?n.slice(0,c-2)+'..':'';});}\n"
	"fs.forEach(function(e){e.addEventListener('click',function(){zoom(e);});\n"
	"e.addEventListener('mouseover',function(){info.textContent=e.querySelector('title').textContent;});\n"
	"e.addEventListener('mouseout',function(){info.textContent='';});});})();\n"
	"]]></script>\n";

void flame_write_svg(struct flame *flame, FILE *to, const char *title)
{
	struct node all = flame->root;
	struct canvas c = {
		.to = to,
		.total = all.count ? all.count : 1,
		.height = TOP + BOTTOM + depth_of(&flame->root) * ROW,
	};

	all.name = "all";
	fprintf(to, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %d\" width=\"%.0f\" "
		"height=\"%d\">\n", WIDTH, c.height, WIDTH, c.height);
	fputs(style, to);
	fprintf(to, "<rect width=\"%.0f\" height=\"%d\" fill=\"#fffdf8\"/>\n<text class=\"t\" x=\"%.0f\" "
		"y=\"28\">", WIDTH, c.height, MARGIN);
	write_escaped(title, SIZE_MAX, to);
	fprintf(to, "</text>\n<text class=\"s\" x=\"%.0f\" y=\"46\">%llu samples; width is time on the "
		"processor, callers are below; click to zoom</text>\n", MARGIN,
		(unsigned long long)all.count);
	fprintf(to, "<text class=\"s\" id=\"info\" x=\"%.0f\" y=\"%d\"></text>\n", MARGIN,
		c.height - 12);
	draw(&c, &all, MARGIN, 0);
	fputs(script, to);
	fputs("</svg>\n", to);
}
