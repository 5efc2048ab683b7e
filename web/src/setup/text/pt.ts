import type { SetupTexts } from "./en.ts";

export const pt: SetupTexts = {
  title: "Configurar o aplicativo",
  lead: "O que os campos do portal do marketplace recebem nesta instalação. Nada nesta página é secreto.",
  guide: "Cada campo, e o motivo de ser assim, está em docs/marketplace.md no código-fonte.",
  notPublic: (origin) =>
    `O portal e os provedores não conseguem acessar ${origin}. Abra esta página no endereço https público da instalação e copie os valores lá.`,
  auth: {
    title: "1. Acesso",
    text: "Um aplicativo para subcontas, que agências e subcontas podem instalar.",
    scopes: "Permissões (scopes)",
    scopesHint: "A última só é necessária para as ações de fluxos. O portal pode pedi-las uma a uma.",
    redirect: "URL de redirecionamento",
  },
  events: {
    title: "2. Webhooks",
    webhook: "URL de webhook padrão",
    events: "Eventos",
    eventsHint: "Estes dois já vêm ativados. Outros são aceitos e não têm efeito.",
  },
  provider: {
    title: "3. Provedor de conversas (conversation provider)",
    text: "Um ou dois, do tipo SMS. Crie-os antes que alguém instale o aplicativo: um adicionado depois não chega a quem já instalou.",
    delivery: "URL de entrega do canal (delivery URL)",
    deliverySms: "URL de entrega do SMS padrão (delivery URL)",
    kinds: "Marque a caixa “custom conversation provider” para um canal ao lado do SMS. Deixe-a vazia para um provedor que possa substituir o SMS padrão: só a ele chega a etapa de fluxo “Send SMS”; ele é opcional.",
  },
  page: { title: "4. Página personalizada (custom page)", url: "URL da página (live URL)", text: "Ela abre em um quadro e precisa de um segredo compartilhado para saber quem está ali: gere um (shared secret)." },
  action: {
    title: "5. Ações de fluxos",
    text: "São quatro, todas com este endereço e estes cabeçalhos; os campos estão em docs/workflow-actions.md.",
    url: "URL (POST)",
    header: (name) => `Cabeçalho ${name}`,
  },
  back: {
    title: "6. O que a instalação precisa saber",
    ids: "Como parâmetros do stack: o client id, o id do aplicativo e os dos provedores de conversas.",
    secrets: "No segredo dela, e em nenhum outro lugar: o client secret e o segredo compartilhado. O portal mostra o client secret uma única vez.",
  },
};
