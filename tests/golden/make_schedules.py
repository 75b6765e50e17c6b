#!/usr/bin/python3
"""Writes optimizer_*.npy, plateau_*.npy and stopping_*.npy: Keras 2.2's rules written out in NumPy, for
what PyTorch defines otherwise (decay, Adam's epsilon, ReduceLROnPlateau, EarlyStopping).

    python3 make_schedules.py     # needs python3-numpy
"""
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent


def save(name, array):
    np.save(HERE / f"{name}.npy", array)


def sgd(start, gradients, rates, momentum, decay, nesterov):
    """Keras 2.2 SGD.get_updates: the parameters after every update."""
    p, velocity, path = start.copy(), np.zeros_like(start), []
    for t, (g, rate) in enumerate(zip(gradients, rates)):
        lr = rate * (1.0 / (1.0 + decay * t))
        velocity = momentum * velocity - lr * g
        p = p + momentum * velocity - lr * g if nesterov else p + velocity
        path.append(p.copy())
    return np.array(path)


def adam(start, gradients, rates, beta1, beta2, epsilon, decay):
    """Keras 2.2 Adam.get_updates: the parameters after every update."""
    p, m, v, path = start.copy(), np.zeros_like(start), np.zeros_like(start), []
    for i, (g, rate) in enumerate(zip(gradients, rates)):
        lr = rate * (1.0 / (1.0 + decay * i))
        t = i + 1
        lr_t = lr * (np.sqrt(1.0 - beta2**t) / (1.0 - beta1**t))
        m = beta1 * m + (1.0 - beta1) * g
        v = beta2 * v + (1.0 - beta2) * g**2
        p = p - lr_t * m / (np.sqrt(v) + epsilon)
        path.append(p.copy())
    return np.array(path)


def adamw(start, gradients, rates, beta1, beta2, epsilon, weight_decay, decay):
    """Loshchilov & Hutter 2019, Algorithm 2, with lambda = rate * weight_decay: the parameters after every update."""
    p, m, v, path = start.copy(), np.zeros_like(start), np.zeros_like(start), []
    for i, (g, rate) in enumerate(zip(gradients, rates)):
        lr = rate * (1.0 / (1.0 + decay * i))
        t = i + 1
        m = beta1 * m + (1.0 - beta1) * g
        v = beta2 * v + (1.0 - beta2) * g**2
        m_hat, v_hat = m / (1.0 - beta1**t), v / (1.0 - beta2**t)
        p = p - (lr * m_hat / (np.sqrt(v_hat) + epsilon) + lr * weight_decay * p)
        path.append(p.copy())
    return np.array(path)


def adadelta(start, gradients, rates, rho, epsilon, decay):
    """Keras 2.2 Adadelta.get_updates: the parameters after every update."""
    p, a, d, path = start.copy(), np.zeros_like(start), np.zeros_like(start), []
    for i, (g, rate) in enumerate(zip(gradients, rates)):
        lr = rate * (1.0 / (1.0 + decay * i))
        a = rho * a + (1.0 - rho) * np.square(g)
        update = g * np.sqrt(d + epsilon) / np.sqrt(a + epsilon)
        p = p - lr * update
        d = rho * d + (1.0 - rho) * np.square(update)
        path.append(p.copy())
    return np.array(path)


def plateau(losses, factor, patience, min_delta, cooldown, min_lr, rate):
    """Keras 2.2 ReduceLROnPlateau.on_epoch_end, mode min: the rate (a float32) after every epoch."""
    lr, best, wait, cooling, rates = np.float32(rate), np.inf, 0, 0, []
    for current in losses:
        if cooling > 0:
            cooling -= 1
            wait = 0
        if np.less(current, best - min_delta):
            best = current
            wait = 0
        elif not cooling > 0:
            wait += 1
            if wait >= patience:
                old_lr = float(lr)
                if old_lr > min_lr:
                    lr = np.float32(max(old_lr * factor, min_lr))
                    cooling = cooldown
                    wait = 0
        rates.append(float(lr))
    return rates


def stopping(losses, patience, min_delta):
    """Keras 2.2 EarlyStopping, mode min: the epoch, from 1, after which it stops; 0 when it does not."""
    best, wait = np.inf, 0
    for epoch, current in enumerate(losses, 1):
        if np.less(current + min_delta, best):
            best = current
            wait = 0
        else:
            wait += 1
            if wait >= patience:
                return epoch
    return 0


def main():
    rng = np.random.default_rng(7)
    steps, size = 40, 6
    start = rng.normal(size=size)
    gradients = rng.normal(size=(steps, size)) * np.geomspace(1, 1e-3, size)
    rates = np.where(np.arange(steps) < 15, 0.1, 0.03)  # a callback lowers the rate after 15 updates
    save("optimizer_start", start)
    save("optimizer_gradients", gradients)
    save("optimizer_rates", rates)
    save("optimizer_nesterov", sgd(start, gradients, rates, 0.9, 0.05, True))
    save("optimizer_adam", adam(start, gradients, rates, 0.9, 0.99, 1e-7, 0.01))
    save("optimizer_adamw", adamw(start, gradients, rates, 0.9, 0.99, 1e-3, 0.3, 0.01))
    # Rates of 10 and 3: Adadelta's own steps are about sqrt(epsilon) long at first.
    save("optimizer_adadelta", adadelta(start, gradients, 100 * rates, 0.9, 1e-7, 0.02))
    save("optimizer_plain", sgd(start, gradients, rates, 0.8, 0.05, False))

    # Falls, then flattens, with steps about min_delta = 1e-4 and single drops.
    losses = 0.5 + 0.5 * np.exp(-np.arange(120) / 6) + rng.normal(size=120) * 2e-4
    losses[70] -= 0.01
    losses[95] -= 0.02
    options = np.array([
        # factor, patience, min_delta, cooldown, floor, first rate
        [0.75, 14, 1e-4, 0, 1e-4, 1e-4],  # Table 4, custom network: never fires
        [0.85, 4, 1e-4, 0, 0.01, 1.0],    # Table 4, MobileNet
        [0.5, 2, 1e-4, 0, 1e-3, 0.1],
        [0.5, 2, 1e-4, 3, 1e-3, 0.1],
        [0.1, 1, 0, 1, 1e-6, 0.1],
        [0.75, 14, 1e-4, 0, 1e-5, 1e-4],
    ])
    save("plateau_losses", losses)
    save("plateau_options", options)
    save("plateau_rates", np.array([plateau(losses, *row) for row in options]))
    patience = np.array([[1, 0], [5, 0], [5, 1e-3], [20, 0], [40, 0], [200, 0]])
    save("stopping_options", patience)
    save("stopping_epochs", np.array([stopping(losses, *row) for row in patience], np.int32))


if __name__ == "__main__":
    main()
