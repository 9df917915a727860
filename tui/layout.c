/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/layout.h"

static int used_width(const int *widths, int count)
{
	int used = 0;

	for (int i = 0; i < count; i++)
		if (widths[i])
			used += widths[i] + (used ? LAYOUT_GAP : 0);
	return used;
}

/* The shown column that goes first, -1 when only one is left. */
static int least_wanted(const struct layout_column *columns, const int *widths, int count)
{
	int least = -1, shown = 0;

	for (int i = 0; i < count; i++) {
		if (!widths[i])
			continue;
		shown++;
		if (least < 0 || columns[i].priority <= columns[least].priority)
			least = i;
	}
	return shown > 1 ? least : -1;
}

/* One round of handing out what is left over; false when nothing could take any. */
static bool grow_columns(const struct layout_column *columns, int *widths, int count, int *spare)
{
	int shares = 0, before = *spare, each;

	for (int i = 0; i < count; i++)
		if (widths[i] && (!columns[i].max || widths[i] < columns[i].max))
			shares += columns[i].grow;
	if (!shares)
		return false;
	each = before / shares ? before / shares : 1;
	for (int i = 0; i<count && * spare> 0; i++) {
		int more = each * columns[i].grow;

		if (!widths[i])
			continue;
		if (columns[i].max && more > columns[i].max - widths[i])
			more = columns[i].max - widths[i];
		if (more > *spare)
			more = *spare;
		widths[i] += more;
		*spare -= more;
	}
	return *spare < before;
}

void layout_columns(const struct layout_column *columns, int count, int total, int *ret)
{
	int used, spare;

	for (int i = 0; i < count; i++)
		ret[i] = columns[i].width;
	while ((used = used_width(ret, count)) > total) {
		int least = least_wanted(columns, ret, count);

		if (least < 0)
			break;
		ret[least] = 0;
	}
	for (int i = 0; i < count && used > total; i++)
		if (ret[i])
			ret[i] = total > 0 ? total : 0;
	spare = total - used;
	while (spare > 0 && grow_columns(columns, ret, count, &spare))
		;
}

void scroll_set(struct scroll *s, int count, int page)
{
	s->count = count > 0 ? count : 0;
	s->page = page > 0 ? page : 1;
	if (s->at >= s->count)
		s->at = s->count - 1;
	if (s->at < 0)
		s->at = 0;
	if (s->at < s->top)
		s->top = s->at;
	if (s->at >= s->top + s->page)
		s->top = s->at - s->page + 1;
	if (s->top > s->count - s->page)
		s->top = s->count - s->page;
	if (s->top < 0)
		s->top = 0;
}

void scroll_to(struct scroll *s, int at)
{
	s->at = at;
	scroll_set(s, s->count, s->page);
}

void scroll_by(struct scroll *s, int rows)
{
	scroll_to(s, s->at + rows);
}

void scroll_window(struct scroll *s, int rows)
{
	int last = s->count - s->page;

	s->top += rows;
	if (s->top > last)
		s->top = last;
	if (s->top < 0)
		s->top = 0;
	if (s->at < s->top)
		s->at = s->top;
	if (s->at >= s->top + s->page)
		s->at = s->top + s->page - 1;
	scroll_set(s, s->count, s->page);
}

int scroll_hit(const struct scroll *s, int y)
{
	int at = s->top + y;

	return y >= 0 && y < s->page && at < s->count ? at : -1;
}
