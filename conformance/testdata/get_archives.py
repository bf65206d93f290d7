"""Has Spark get what the snippet for it names, into the folder of the first argument."""

import os
import re
import sys

import pyspark
from pyspark.sql import SparkSession

jars = " ".join(os.listdir(os.path.join(pyspark.__path__[0], "jars")))
hadoop = re.search(r"hadoop-client-api-(\S+)\.jar", jars).group(1)
(
    SparkSession.builder
    .config("spark.jars.ivy", sys.argv[1])
    .config("spark.jars.packages", "org.apache.hadoop:hadoop-aws:" + hadoop)
    .config("spark.ui.enabled", "false")
    .config("spark.driver.host", "127.0.0.1")
    .getOrCreate()
    .stop()
)
