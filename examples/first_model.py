"""A first model: ten numbers in, one out, trained on a noisy linear rule.

python examples/first_model.py            # prints the loss as it falls
python examples/first_model.py --debug    # stops in pdb at each step; `n` goes on line by line
"""

import argparse

import rustorch as torch
from rustorch import nn


def make_data(samples):
    """Inputs (samples, 10), and targets (samples, 1) that are a fixed rule of them plus a little noise."""
    x = torch.randn(samples, 10)
    rule = torch.linspace(-1, 1, 10).unsqueeze(1)  # (10, 1)
    return x, x @ rule + 0.1 * torch.randn(samples, 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--debug", action="store_true", help="stop in the debugger at each step")
    options = parser.parse_args()

    torch.manual_seed(0)
    x, y = make_data(100)
    model = nn.Sequential(nn.Linear(10, 5), nn.ReLU(), nn.Linear(5, 1))
    loss_fn = nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    print(model)

    for step in range(options.steps):
        if options.debug:
            breakpoint()
        prediction = model(x)  # (100, 1)
        loss = loss_fn(prediction, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 20 == 0 or step == options.steps - 1:
            print(f"step {step:3d}  loss {loss.item():.4f}")

    weight = model[0].weight
    print("first layer:", weight.shape, "gradient norm", f"{weight.grad.norm().item():.4f}")


if __name__ == "__main__":
    main()
