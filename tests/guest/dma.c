#include "tests/guest/dma.h"
#include "tests/guest/con.h"
#include "tests/guest/tap.h"
#include "tests/guest/problem.h"
#include "tests/guest/tree.h"
#include "tests/guest/hv.h"
void run_dma(const char *value)
{
	(void)value;
	con_line("hello (minimal dma guest)");
	for (unsigned i = 0; i < tree.nphbs; i++) {
		struct tree_phb *p = &tree.phbs[i];
		con_line("# %s liobn %x window %lx+%lx bypass %lx+%lx mem32 %lx at %lx+%lx funcs %u", p->name, p->liobn,
			p->window_base, p->window_size, p->bypass_base, p->bypass_size, p->mem32_bus, p->mem32_cpu, p->mem32_size, p->nfuncs);
		for (unsigned j = 0; j < p->nfuncs; j++) {
			uint32_t a[4] = {p->funcs[j].config_addr, (uint32_t)(p->buid >> 32), (uint32_t)p->buid, 4}, r[2] = {0, 0};
			int32_t s = rtas_call("ibm,read-pci-config", a, 4, r, 2);
			con_line("# func %x tree %x:%x read %d %x bar0 %lx+%lx", p->funcs[j].config_addr, p->funcs[j].vendor, p->funcs[j].device, s, r[1], p->funcs[j].bar0_bus, p->funcs[j].bar0_size);
		}
	}
	tap_ok(problem_prepare(), "problem state");
	struct hv_regs regs = {.r = {H_GET_TCE, 0, 0}};
	problem_trap(&regs);
	tap_ok(regs.r[0] == (uint64_t)H_PRIVILEGE, "privilege %ld", regs.r[0]);
	tap_plan();
}
