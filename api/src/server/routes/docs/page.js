"use strict";
// Shows /openapi.json, and sends requests to this server. It writes text only, never HTML.

const element = (name, text, parent) => {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (parent) parent.append(made);
  return made;
};

const field = (form, label, kind, value) => {
  const shown = element("label", label + " ", form);
  const input = element(kind, undefined, shown);
  input.value = value ?? "";
  return input;
};

const resolved = (api, schema) => {
  const name = schema && schema.$ref && schema.$ref.split("/").pop();
  return name ? api.components.schemas[name] : schema;
};

const example = (api, schema) => {
  const whole = resolved(api, schema) || {};
  const members = {};
  for (const [name, member] of Object.entries(whole.properties || {})) {
    const inner = resolved(api, member) || {};
    if ((whole.required || []).includes(name) || inner.example !== undefined) {
      members[name] = inner.example ?? "";
    }
  }
  return JSON.stringify(members, null, 2);
};

const send = async (method, path, parameters, media, body, result) => {
  const query = new URLSearchParams();
  const headers = { Accept: "application/json, */*;q=0.5" };
  for (const { about, input } of parameters) {
    if (input.value === "") continue;
    if (about.in === "path") path = path.replace(`{${about.name}}`, encodeURIComponent(input.value));
    if (about.in === "query") query.set(about.name, input.value);
    if (about.in === "header") headers[about.name] = input.value;
  }
  const token = document.getElementById("token").value;
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body) headers["Content-Type"] = media;
  const address = path + (query.size ? `?${query}` : "");
  const options = { method, headers, body: body ? body.value : undefined };
  result.textContent = "…";
  try {
    const answer = await fetch(address, options);
    const text = await answer.text();
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON */ }
    result.textContent = `${method} ${address}\n${answer.status} ${answer.statusText}\n\n${shown}`;
  } catch (error) {
    result.textContent = String(error);
  }
};

const operation = (api, path, method, about, parent) => {
  const block = element("details", undefined, parent);
  const head = element("summary", undefined, block);
  element("b", method.toUpperCase(), head);
  head.append(path);
  const roles = (about["x-roles"] || []).join(", ") || "open";
  element("span", roles, head).className = "roles";
  element("p", about.summary, block);
  if (about.description) element("p", about.description, block);
  const form = element("form", undefined, block);
  const parameters = (about.parameters || []).map((parameter) => {
    const needed = parameter.required ? "" : " (may be left out)";
    const label = `${parameter.name}, ${parameter.in}${needed}: ${parameter.description || ""}`;
    return { about: parameter, input: field(form, label, "input") };
  });
  const content = (about.requestBody && about.requestBody.content) || {};
  const media = Object.keys(content)[0];
  const body = media && field(form, media, "textarea", example(api, content[media].schema));
  element("button", "Send", form);
  const result = element("pre", "", block);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(method.toUpperCase(), path, parameters, media, body, result);
  });
  const answers = element("ul", undefined, block);
  for (const [status, answer] of Object.entries(about.responses || {})) {
    element("li", `${status}: ${answer.description}`, answers);
  }
};

const show = async () => {
  const main = document.getElementById("operations");
  const api = await (await fetch("/openapi.json")).json();
  main.textContent = "";
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, about] of Object.entries(methods)) {
      operation(api, path, method, about, main);
    }
  }
};

show().catch((error) => { document.getElementById("operations").textContent = String(error); });
