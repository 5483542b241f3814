"""The peer in PyTorch: a cell by hand, for `nn.LSTM` costs more than it computes at one step a call."""

import torch

from writing_peers import Parameters, Write, arrays


def writer(
    parameters: Parameters, *, batch_size: int, count: int, start: int, temperature: float, threads: int
) -> Write:
    """Prepare a loop that draws tokens with the state carried; see `writing_peers`."""
    table, kernel, output, output_bias = map(torch.from_numpy, arrays(parameters, temperature))
    hidden_size = kernel.shape[0]
    order = torch.cat([torch.arange(4 * hidden_size).chunk(4)[gate] for gate in (0, 1, 3, 2)])
    table, kernel = table[:, order].contiguous(), kernel[:, order].contiguous()  # i f o, then the candidate

    @torch.inference_mode()
    def run(seed: int) -> torch.Tensor:
        torch.set_num_threads(1 if batch_size == 1 else threads)  # one stream is faster without a pool
        uniforms = torch.rand((count, batch_size, 1), generator=torch.Generator().manual_seed(seed))
        hidden = cell = torch.zeros(batch_size, hidden_size)
        ids, drawn = torch.full((batch_size,), start), torch.empty((count, batch_size), dtype=torch.int64)
        for t in range(count):
            gates = torch.addmm(table.index_select(0, ids), hidden, kernel)  # (B, 4H)
            i, f, o = gates[:, : 3 * hidden_size].sigmoid_().chunk(3, 1)
            cell = torch.addcmul(f * cell, i, gates[:, 3 * hidden_size :].tanh_())
            hidden = o * cell.tanh()
            sums = torch.addmm(output_bias, hidden, output).softmax(1).cumsum(1)  # (B, V)
            ids = torch.searchsorted(sums, uniforms[t] * sums[:, -1:]).squeeze_(1)
            drawn[t] = ids
        return drawn

    return lambda seed: run(seed).numpy()
