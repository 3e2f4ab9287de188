"""Whole models train on the GPU as on the CPU: the losses of 20 steps agree, and are the same bits from run to run."""

import pytest

import rustorch as torch
from rustorch import nn
from rustorch.nn import functional as F


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        self.skip = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.skip = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.skip(x))


def resnet18(width=4):
    """ResNet-18 (He et al. 2016) with fewer channels."""
    layers, inputs = [nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU()], width
    layers.append(nn.MaxPool2d(3, 2, 1))
    for outputs, stride in ((width, 1), (2 * width, 2), (4 * width, 2), (8 * width, 2)):
        layers += [Block(inputs, outputs, stride), Block(outputs, outputs, 1)]
        inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 10))


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = (z.view(b, t, self.heads, -1).transpose(1, 2) for z in self.qkv(self.ln1(x)).split(c, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).contiguous().view(b, t, c))
        return x + self.mlp(self.ln2(x))


class GPT(nn.Module):
    def __init__(self, vocabulary=65, width=32, context=24):
        super().__init__()
        self.tokens, self.places = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.blocks = nn.Sequential(Attention(width, 4), Attention(width, 4))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)

    def forward(self, x):
        y = self.tokens(x) + self.places(torch.arange(x.shape[1], device=x.device))
        return self.head(self.norm(self.blocks(y))).transpose(1, 2)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.head = nn.LSTM(12, 20, num_layers=2, batch_first=True), nn.Linear(20, 5)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


def cnn():
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(16 * 36, 32), nn.ReLU(), nn.Linear(32, 10)),
    )


def perceptron():
    return nn.Sequential(nn.Linear(60, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


MODELS = {
    "mlp": (perceptron, lambda: torch.randn(32, 60), lambda: torch.randint(0, 10, (32,))),
    "cnn": (cnn, lambda: torch.randn(8, 1, 16, 16), lambda: torch.randint(0, 10, (8,))),
    "lstm": (Recurrent, lambda: torch.randn(8, 10, 12), lambda: torch.randint(0, 5, (8,))),
    "resnet18": (resnet18, lambda: torch.randn(4, 3, 40, 40), lambda: torch.randint(0, 10, (4,))),
    "gpt": (GPT, lambda: torch.randint(0, 65, (4, 24)), lambda: torch.randint(0, 65, (4, 24))),
}


def losses(name, device):
    make, inputs, targets = MODELS[name]
    torch.manual_seed(0)
    model, x, y = make(), inputs(), targets()
    model, x, y = model.to(device), x.to(device), y.to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    found = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        found.append(loss.detach())
    return [loss.item() for loss in found]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", MODELS)
def test_losses_of_training_agree_with_the_cpu(name):
    there, here = losses(name, "gpu"), losses(name, "cpu")
    assert here[-1] < here[0]
    assert there == pytest.approx(here, rel=2e-3)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", ["cnn", "gpt"])
def test_training_has_the_same_bits_from_run_to_run(name):
    assert losses(name, "gpu") == losses(name, "gpu")
