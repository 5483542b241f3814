// Writes texts: example [PROMPT] [SEED] [TEXTS]
//
//     cc -std=c99 -O3 example.c model.c -o example -lm
#include <stdio.h>
#include <stdlib.h>

#include "model.h"

int main(int argc, char** argv) {
    static model_state state;  // all the memory that the model needs
    static char text[16384];
    const char* prompt = argc > 1 ? argv[1] : "";
    const uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    const long texts = argc > 3 ? strtol(argv[3], NULL, 10) : 1;
    model_start(&state, seed, 0);
//@if source
    if (model_set_source(&state, prompt) < 0) {  // the prompt is what the text answers
        fprintf(stderr, "the model cannot read this source\n");
        return 1;
    }
    prompt = "";
//@end
    for (long i = 0; i < texts; ++i) {
        const ptrdiff_t size = model_write(&state, prompt, text, sizeof text, NULL);
        if (size < 0) {
            fprintf(stderr, "the model cannot read this prompt\n");
            return 1;
        }
        fwrite(text, 1, (size_t)size, stdout);
        putchar('\n');
    }
    return 0;
}
