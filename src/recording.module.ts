import { Global, Module } from '@nestjs/common';
import { ASSESSMENT_SINK } from './admission/assessment-sink.js';
import { AssessmentWriter } from './store/assessment-writer.js';
import { StoreModule } from './store/store.module.js';

/** What admission and the watcher find is written behind their answers. They know the sink, not the store. */
@Global()
@Module({
  imports: [StoreModule],
  providers: [{ provide: ASSESSMENT_SINK, useExisting: AssessmentWriter }],
  exports: [ASSESSMENT_SINK],
})
export class RecordingModule {}
