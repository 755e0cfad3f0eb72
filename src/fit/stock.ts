import type { Device, Node } from '../inventory/inventory.js';
import type { DeviceClass } from './device-class.js';

/** Devices of one node that are equal in class and capacity band. */
export interface Lot {
  /** Equal for lots of one class and band, whatever node they are on: a small number from 0 on. */
  id: number;
  deviceClass: DeviceClass;
  bandBytes: number;
  /** Physical devices or instances; a shared one counts once. */
  count: number;
}

/** What a node offers under one resource name. Nodes that offer the same share one stock. */
export interface Stock {
  key: string;
  lots: readonly Lot[];
  /** Smallest and largest true capacity and age of the oldest sample, by lot, over all nodes that share the stock. */
  facts: readonly LotFacts[];
}

export interface LotFacts {
  smallestBytes: number;
  largestBytes: number;
  seenAtMs: number;
}

export interface ClusterNode {
  node: Node;
  /** Place among the nodes of the cluster, by name. */
  position: number;
  /** Equal for nodes that differ in nothing but name, labels and amounts that are no devices. */
  shape: string;
  /** By resource name. */
  stocks: ReadonlyMap<string, Stock>;
  /** By resource name; none where nothing describes the devices that the node offers. */
  devices: ReadonlyMap<string, readonly StockedDevice[]>;
}

/** A device with the lot it belongs to. */
export interface StockedDevice {
  device: Device;
  deviceClass: DeviceClass;
  bandBytes: number;
}
