// What runs before main() on a Cortex-M4: turns the FPU on, fills the memory, lets the host print.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

extern char data_begin[], data_end[], data_load[], bss_begin[], bss_end[], stack_top[];
void initialise_monitor_handles(void);
int main(void);
void start(void);
static void hang(void) { abort(); }

__attribute__((section(".vectors"), used)) static void (*const vectors[])(void) = {
    (void (*)(void))stack_top, start, hang, hang, hang, hang, hang,
};

void start(void) {
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20;  // CPACR: full access to the FPU
    __asm__ volatile("dsb\n isb");
    memcpy(data_begin, data_load, (size_t)(data_end - data_begin));
    memset(bss_begin, 0, (size_t)(bss_end - bss_begin));
    initialise_monitor_handles();
    exit(main());
}
