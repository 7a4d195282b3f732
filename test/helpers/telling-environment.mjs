/** Lets helpers know that a test of this file has failed, so that they can tell what the processes under test have said. */
import { TestEnvironment } from 'jest-environment-node';

export default class TellingEnvironment extends TestEnvironment {
  handleTestEvent({ name }) {
    if (name === 'test_fn_failure' || name === 'hook_failure') this.global.hasFailedTest = true;
  }
}
