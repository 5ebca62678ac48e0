// Light, dark, or what the system says. The choice is kept in this browser where it allows that.

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const KEY = 'gui-host.theme';

class ThemeChoice {
  current: Theme = $state('system');

  start(): void {
    this.#apply(stored());
  }

  next(): void {
    const place = THEMES.indexOf(this.current);
    const theme = THEMES[(place + 1) % THEMES.length] ?? 'system';
    this.#apply(theme);
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // Forbidden: the choice lasts until the next reload.
    }
  }

  #apply(theme: Theme): void {
    this.current = theme;
    document.documentElement.dataset['theme'] = theme;
  }
}

function stored(): Theme {
  try {
    return THEMES.find((theme) => theme === localStorage.getItem(KEY)) ?? 'system';
  } catch {
    return 'system';
  }
}

export const theme = new ThemeChoice();
