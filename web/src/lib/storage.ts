/**
 * What a person chose on this device. In a frame of another site's page storage may be refused or
 * be there for this visit only, so that nothing here may fail and nothing important may be here.
 */
export function remembered(key: string): string | null {
  try {
    return localStorage.getItem(`greenhub.${key}`);
  } catch {
    return null;
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(`greenhub.${key}`, value);
  } catch {
    // It holds until the page is left.
  }
}
