"""Reading handwritten digits: a multilayer perceptron, then a convolutional network, on 1,797 scans of 8 x 8 pixels.

    python examples/digits.py                    # trains both, writes pictures to out/
    python examples/digits.py --library torch    # the same with PyTorch
    python examples/digits.py --compare          # both, one after the other: accuracy, time, peak memory
    python examples/digits.py --device gpu       # on the GPU, of any vendor

Needs scikit-learn for the scans, tqdm and matplotlib. Source of the scans: Alpaydin & Kaynak 1998, UCI repository.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

try:
    import resource
except ImportError:  # Windows has none
    resource = None

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--library", choices=("rustorch", "torch"), default=os.environ.get("DIGITS_LIBRARY", "rustorch"))
parser.add_argument("--compare", action="store_true", help="run with both libraries and compare")
parser.add_argument("--out", type=Path, default=Path("out"), help="where the pictures go")
parser.add_argument("--epochs", type=int, default=15)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--device", default="cpu", help="cpu, gpu, or what else the library calls its devices")
parser.add_argument("--threads", type=int, help="threads of the library; its own choice if left out")
parser.add_argument("--no-pictures", action="store_true")
parser.add_argument("--json", type=Path, help=argparse.SUPPRESS)
options = parser.parse_args()

if options.library == "torch":
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset
else:
    import rustorch as torch
    from rustorch import nn
    from rustorch.utils.data import DataLoader, TensorDataset

HELD_OUT = 0.2  # share of the scans that no training sees
BATCH = 64


def load_scans():
    """Images (n, 1, 8, 8) in [0, 1] and labels (n,), for training and for testing."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    scans = load_digits()
    images = (scans.images / 16.0).astype("float32")[:, None]  # gray levels go from 0 to 16
    parts = train_test_split(images, scans.target, test_size=HELD_OUT, stratify=scans.target, random_state=options.seed)
    x_train, x_test, y_train, y_test = (torch.from_numpy(part) for part in parts)
    return TensorDataset(x_train, y_train), TensorDataset(x_test, y_test)


def perceptron():
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(64, 128),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(128, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


def convolutional():
    def block(channels_in, channels_out):
        return [
            nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(),
        ]

    return nn.Sequential(
        *block(1, 16),
        *block(16, 32),
        nn.MaxPool2d(2),  # (n, 32, 4, 4)
        *block(32, 64),
        nn.MaxPool2d(2),  # (n, 64, 2, 2)
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(256, 10),
    )


@torch.no_grad()
def predict(model, dataset):
    """Predicted labels (n,) for a whole dataset."""
    model.eval()
    labels = [model(images.to(options.device)).argmax(dim=1).cpu() for images, _ in DataLoader(dataset, batch_size=256)]
    return torch.cat(labels)


def accuracy(model, dataset):
    return (predict(model, dataset) == dataset.tensors[1]).float().mean().item()


def train(name, model, training, testing):
    """Fit `model`; returns loss and accuracy after each epoch."""
    from tqdm import tqdm

    loader = DataLoader(training, batch_size=BATCH, shuffle=True)
    loss_fn = nn.CrossEntropyLoss(label_smoothing=0.05)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)
    steps = options.epochs * len(loader)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=5e-3, total_steps=steps)
    history = {"loss": [], "train": [], "test": []}
    with tqdm(total=steps, desc=name, unit="batch") as bar:
        for _ in range(options.epochs):
            model.train()
            total = 0.0
            for images, labels in loader:
                loss = loss_fn(model(images.to(options.device)), labels.to(options.device))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                total += loss.item()
                bar.update()
            history["loss"].append(total / len(loader))
            history["train"].append(accuracy(model, training))
            history["test"].append(accuracy(model, testing))
            bar.set_postfix(loss=f"{history['loss'][-1]:.3f}", test=f"{history['test'][-1]:.2%}")
    return history


def draw_curves(histories, path):
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4))
    for name, history in histories.items():
        epochs = range(1, len(history["loss"]) + 1)
        left.plot(epochs, history["loss"], label=name)
        line = right.plot(epochs, history["test"], label=f"{name}, held out")[0]
        right.plot(epochs, history["train"], ":", color=line.get_color(), label=f"{name}, training")
    left.set(title="Loss", xlabel="epoch", yscale="log")
    right.set(title="Accuracy", xlabel="epoch", ylim=(0.85, 1.005))
    left.legend()
    right.legend()
    save(figure, path)


def draw_confusion(labels, guesses, path):
    import matplotlib.pyplot as plt

    counts = [[0] * 10 for _ in range(10)]
    for label, guess in zip(labels, guesses):
        counts[label][guess] += 1
    figure, axes = plt.subplots(figsize=(5, 5))
    axes.imshow(counts, cmap="Blues")
    for row in range(10):
        for column in range(10):
            if counts[row][column]:
                color = "white" if row == column else "black"
                axes.text(column, row, counts[row][column], ha="center", va="center", color=color)
    axes.set(title="Held-out scans", xlabel="read as", ylabel="written", xticks=range(10), yticks=range(10))
    save(figure, path)


def draw_misread(testing, labels, guesses, path, most=12):
    import matplotlib.pyplot as plt

    wrong = [i for i, (label, guess) in enumerate(zip(labels, guesses)) if label != guess][:most]
    figure, axes = plt.subplots(1, max(1, len(wrong)), figsize=(1.4 * max(3, len(wrong)), 2), squeeze=False)
    for axis in axes[0]:
        axis.axis("off")
    for axis, i in zip(axes[0], wrong):
        axis.imshow(testing.tensors[0][i, 0].tolist(), cmap="gray_r")
        axis.set_title(f"{labels[i]} as {guesses[i]}", fontsize=9)
    if not wrong:
        axes[0][0].set_title("none misread")
    save(figure, path)


def save(figure, path):
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    print("wrote", path)


def peak_memory():
    """Largest resident memory of this process so far, in MiB; NaN where the system does not tell."""
    if resource is None:
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def run():
    if options.threads:
        torch.set_num_threads(options.threads)
    training, testing = load_scans()
    histories, report = {}, {"library": f"{options.library} {torch.__version__}"}
    model = None
    for name, make in (("perceptron", perceptron), ("convolutional", convolutional)):
        torch.manual_seed(options.seed)
        model = make().to(options.device)
        start = time.perf_counter()
        histories[name] = train(name, model, training, testing)
        seconds = time.perf_counter() - start
        report[name] = {"accuracy": histories[name]["test"][-1], "seconds": seconds}
        print(f"{name}: {histories[name]['test'][-1]:.2%} of {len(testing)} held-out scans, {seconds:.1f} s")
    report["peak"] = peak_memory()
    print(f"peak memory: {report['peak']:.0f} MiB")
    if options.json:
        options.json.write_text(json.dumps(report))
    if not options.no_pictures:
        import matplotlib

        matplotlib.use("Agg")
        options.out.mkdir(parents=True, exist_ok=True)
        labels, guesses = testing.tensors[1].tolist(), predict(model, testing).tolist()
        draw_curves(histories, options.out / "curves.png")
        draw_confusion(labels, guesses, options.out / "confusion.png")
        draw_misread(testing, labels, guesses, options.out / "misread.png")


def compare():
    """Run this script once with each library, each in a process of its own."""
    options.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for library in ("torch", "rustorch"):
        path = options.out / f"{library}.json"
        command = [sys.executable, __file__, "--library", library, "--no-pictures", "--json", str(path)]
        command += ["--epochs", str(options.epochs), "--seed", str(options.seed)]
        command += ["--threads", str(options.threads)] if options.threads else []
        subprocess.run(command, check=True)
        rows.append(json.loads(path.read_text()))
    print(f"\n{'':24}{'perceptron':>20}{'convolutional':>20}{'peak memory':>16}")
    for row in rows:
        cells = [f"{row[m]['accuracy']:.2%} {row[m]['seconds']:6.1f} s" for m in ("perceptron", "convolutional")]
        print(f"{row['library']:24}{cells[0]:>20}{cells[1]:>20}{row['peak']:>12.0f} MiB")


if __name__ == "__main__":
    compare() if options.compare else run()
