// What the explorer's own scripts take from npm; build.mjs makes one module of it.
export { createGraphiQLFetcher, createLocalStorage } from "@graphiql/toolkit";
export { useEditorContext, usePluginStore } from "@graphiql/react";
export { GraphiQL } from "graphiql";
export { parse, print } from "graphql";
export { createElement, useEffect, useState, useSyncExternalStore } from "react";
export { flushSync } from "react-dom";
export { createRoot } from "react-dom/client";
