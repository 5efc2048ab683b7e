import type { SetupTexts } from "./en.ts";

export const es: SetupTexts = {
  title: "Configurar la aplicación",
  lead: "Lo que llevan los campos del portal del marketplace en esta instalación. Nada en esta página es secreto.",
  guide: "Cada campo, y por qué es así, está en docs/marketplace.md del código fuente.",
  notPublic: (origin) =>
    `El portal y los proveedores no pueden llegar a ${origin}. Abre esta página en la dirección https pública de la instalación y copia allí los valores.`,
  auth: {
    title: "1. Acceso",
    text: "Una aplicación para subcuentas, que pueden instalar agencias y subcuentas.",
    scopes: "Permisos (scopes)",
    scopesHint: "El último solo hace falta para las acciones de flujos. El portal puede pedirlos uno a uno.",
    redirect: "URL de redirección",
  },
  events: {
    title: "2. Webhooks",
    webhook: "URL de webhook predeterminada",
    events: "Eventos",
    eventsHint: "Estos dos están activados desde el principio. Los demás se aceptan y no tienen efecto.",
  },
  provider: {
    title: "3. Proveedor de conversaciones (conversation provider)",
    text: "Uno o dos, del tipo SMS. Créalos antes de que alguien instale la aplicación: uno añadido después no llega a quienes ya la instalaron.",
    delivery: "URL de entrega del canal (delivery URL)",
    deliverySms: "URL de entrega del SMS predeterminado (delivery URL)",
    kinds: "Marca la casilla «custom conversation provider» para un canal junto al SMS. Déjala vacía para un proveedor que pueda sustituir el SMS predeterminado: solo a él llega el paso de flujo «Send SMS»; es opcional.",
  },
  page: { title: "4. Página personalizada (custom page)", url: "URL de la página (live URL)", text: "Se abre en un marco y necesita un secreto compartido para saber quién está ahí: genera uno (shared secret)." },
  action: {
    title: "5. Acciones de flujos",
    text: "Son cuatro, todas con esta dirección y estas cabeceras; sus campos están en docs/workflow-actions.md.",
    url: "URL (POST)",
    header: (name) => `Cabecera ${name}`,
  },
  back: {
    title: "6. Lo que hay que decir a la instalación",
    ids: "Como parámetros del stack: el client id, el id de la aplicación y los de los proveedores de conversaciones.",
    secrets: "En su secreto, y en ningún otro lugar: el client secret y el secreto compartido. El portal muestra el client secret una sola vez.",
  },
};
