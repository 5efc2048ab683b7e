// Svelte's own tools look for this file; nothing in it differs from what they do without it.
export default {};
