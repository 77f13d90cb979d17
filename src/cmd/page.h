/* The page of `moirai report`, around its data. */
#ifndef MO_CMD_PAGE_H
#define MO_CMD_PAGE_H

extern const char mo_page_before[], mo_page_after[];

#endif
