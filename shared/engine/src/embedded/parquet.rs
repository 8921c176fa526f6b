//! Parquet files of one version of a table, with the fewest requests.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::{Result, Statistics, internal_datafusion_err};
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::file_compression_type::FileCompressionType;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::datasource::physical_plan::{
    FileScanConfig, FileScanConfigBuilder, FileSource, ParquetFileReaderFactory, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::parquet::arrow::arrow_reader::ArrowReaderOptions;
use datafusion::parquet::arrow::async_reader::AsyncFileReader;
use datafusion::parquet::errors::{ParquetError, Result as ParquetResult};
use datafusion::parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use object_store::{ObjectMeta, ObjectStore};

use super::footers::Footers;
use crate::store::pinned::PinnedStore;

/// The end of a file that is read first: the footer and the page index of nearly all files.
const FOOTER: usize = 512 << 10;

/// The format of the engine with readers that keep footers between queries.
#[derive(Debug)]
pub struct PinnedParquet {
    inner: ParquetFormat,
    readers: Arc<Readers>,
}

impl PinnedParquet {
    pub fn new(store: Arc<PinnedStore>, footers: Footers) -> Self {
        // Older programs write timestamps as INT96. As nanoseconds, years after 2262 would wrap around.
        let inner = ParquetFormat::default().with_coerce_int96(Some("us".to_owned()));
        Self { inner, readers: Arc::new(Readers { store, footers }) }
    }
}

#[async_trait]
impl FileFormat for PinnedParquet {
    fn get_ext(&self) -> String {
        self.inner.get_ext()
    }

    fn get_ext_with_compression(&self, compression: &FileCompressionType) -> Result<String> {
        self.inner.get_ext_with_compression(compression)
    }

    fn compression_type(&self) -> Option<FileCompressionType> {
        self.inner.compression_type()
    }

    async fn infer_schema(
        &self,
        state: &dyn Session,
        store: &Arc<dyn ObjectStore>,
        objects: &[ObjectMeta],
    ) -> Result<SchemaRef> {
        self.inner.infer_schema(state, store, objects).await
    }

    /// No figures: they would count hidden rows.
    async fn infer_stats(
        &self,
        _: &dyn Session,
        _: &Arc<dyn ObjectStore>,
        table_schema: SchemaRef,
        _: &ObjectMeta,
    ) -> Result<Statistics> {
        Ok(Statistics::new_unknown(&table_schema))
    }

    async fn create_physical_plan(
        &self,
        _: &dyn Session,
        conf: FileScanConfig,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let source = conf.file_source().downcast_ref::<ParquetSource>().cloned();
        let source = source.ok_or_else(|| internal_datafusion_err!("not a source of Parquet"))?;
        let source = source
            .with_table_parquet_options(self.inner.options().clone())
            .with_parquet_file_reader_factory(self.readers.clone());
        let conf = FileScanConfigBuilder::from(conf).with_source(Arc::new(source)).build();
        Ok(DataSourceExec::from_data_source(conf))
    }

    fn file_source(&self, table_schema: TableSchema) -> Arc<dyn FileSource> {
        self.inner.file_source(table_schema)
    }
}

/// Makes the readers of one table.
#[derive(Debug)]
struct Readers {
    store: Arc<PinnedStore>,
    footers: Footers,
}

impl ParquetFileReaderFactory for Readers {
    fn create_reader(
        &self,
        _: usize,
        file: PartitionedFile,
        _: Option<usize>,
        _: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let (store, footers) = (self.store.clone(), self.footers.clone());
        Ok(Box::new(Reader { store, footers, object: file.object_meta }))
    }
}

struct Reader {
    store: Arc<PinnedStore>,
    footers: Footers,
    object: ObjectMeta,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("object", &self.object).finish_non_exhaustive()
    }
}

fn external(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

impl Reader {
    /// The footer with its page index: both are at the end of the file, and both are kept. Nobody decides
    /// beforehand whether a query needs the index, because the next one may.
    async fn metadata(&self) -> ParquetResult<Arc<ParquetMetaData>> {
        let read = async { self.read_metadata().await };
        match self.store.version(&self.object.location) {
            Some(version) => self.footers.get_or_read(version, read).await,
            None => read.await,
        }
    }

    async fn read_metadata(&self) -> ParquetResult<Arc<ParquetMetaData>> {
        DFParquetMetadata::new(self.store.as_ref(), &self.object)
            .with_metadata_size_hint(Some(FOOTER))
            .with_page_index_policy(Some(PageIndexPolicy::Optional))
            .fetch_metadata()
            .await
            .map_err(|error| ParquetError::External(Box::new(error)))
    }
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        async move {
            let found = self.get_byte_ranges(vec![range]).await?;
            found.into_iter().next().ok_or_else(|| ParquetError::General("no bytes".to_owned()))
        }
        .boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        async move { self.store.get_ranges(&self.object.location, &ranges).await.map_err(external) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        self.metadata().boxed()
    }
}
