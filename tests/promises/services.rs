//! What is bought by the token or managed by a cloud is sourced, sound, and laid over like any other price.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use capplan::catalog::{Catalog, CatalogError, ServiceKind};
use capplan::units::Money;

fn catalog() -> Catalog {
    Catalog::read(&[]).unwrap()
}

fn overlay(text: &str) -> Result<Catalog, CatalogError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine.toml"), format!("format = 1\n{text}")).unwrap();
    Catalog::read(&[folder.path().to_owned()])
}

/// The only fault of an overlay, as it is printed.
fn fault(text: &str) -> String {
    match overlay(text) {
        Err(CatalogError::Faults(faults)) => {
            assert_eq!(faults.len(), 1, "{:?}", faults.sorted());
            faults.sorted()[0].to_string()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn api_prices_are_many_sourced_and_sound() {
    let catalog = catalog();
    assert!(catalog.api_prices.len() > 300, "{}", catalog.api_prices.len());
    for (id, price) in &catalog.api_prices {
        assert!(!price.fact.sources.is_empty() && price.fact.as_of.is_some(), "{id}");
        assert!(price.input.0 > Money::ZERO && price.output >= price.input, "{id}");
        assert!(price.cache_read.is_none_or(|read| read <= price.input), "{id}");
        assert_eq!(price.batch, id.ends_with(":batch"), "{id}");
    }
    let shapes = catalog.api_prices.values().filter(|price| price.model.is_some()).count();
    assert!(shapes > 50, "only {shapes} prices can stand beside own machines");
}

#[test]
fn api_prices_agree_with_the_collected_facts() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/api_prices.csv");
    if !path.exists() {
        println!("skipped: {} is not here", path.display());
        return;
    }
    let catalog = catalog();
    let mut compared = 0;
    for record in csv::Reader::from_path(path).unwrap().records() {
        let record = record.unwrap();
        let id = format!("{}/{}", record[0].replace('_', "-"), &record[1]);
        let Some(price) = catalog.api_prices.get(&id) else { continue };
        compared += 1;
        let published = |column: usize| record[column].parse::<f64>().ok().map(Money::from_usd);
        assert_eq!(Some(price.input.0), published(2), "{id}");
        assert_eq!(Some(price.output.0), published(3), "{id}");
        assert_eq!(price.cache_read.map(|read| read.0), published(4), "{id}");
    }
    assert_eq!(compared, catalog.api_prices.len());
}

#[test]
fn the_prices_of_a_shape_come_cheapest_first_for_the_mix() {
    let catalog = catalog();
    for mix in [(1.0, 0.0), (0.0, 1.0), (3.0, 1.0)] {
        let found = catalog.api_prices_of("llama-3-70b", mix, false);
        assert!(found.len() >= 4 && found.iter().all(|price| !price.batch));
        let costs: Vec<Money> = found.iter().map(|price| price.cost(mix.0 * 1e6, 0.0, mix.1 * 1e6)).collect();
        assert!(costs.is_sorted(), "{costs:?}");
    }
    assert!(catalog.api_prices_of("gpt-oss-20b", (1.0, 1.0), true).iter().any(|price| price.batch));
    assert!(catalog.api_prices_of("resnet-50", (1.0, 1.0), true).is_empty());
    let near = catalog.api_price("bedrock/llama-3.3-70B").unwrap_err();
    assert!(near.suggestion.contains("bedrock/llama-3.3-70b") && near.suggestion.contains("list api-prices"));
}

#[test]
fn cached_input_is_paid_at_its_own_price() {
    let catalog = catalog();
    let price = catalog.api_price("deepseek/deepseek-v3").unwrap();
    assert_eq!(price.cost(1e6, 0.0, 1e6), Money::from_usd(0.27 + 1.1));
    assert_eq!(price.cost(2e6, 0.5, 0.0), Money::from_usd(0.27 + 0.07));
    // A seller without such a price asks the full one.
    let price = catalog.api_price("bedrock/llama-3.1-8b").unwrap();
    assert_eq!(price.cost(1e6, 0.9, 0.0), Money::from_usd(0.22));
}

#[test]
fn managed_services_know_what_is_not_known() {
    let catalog = catalog();
    let vertex = catalog.managed("gcp", ServiceKind::Endpoint, Some("A100-SXM-40GB")).unwrap();
    assert_eq!((vertex.premium, vertex.idle_billed), (Some(0.2), true));
    assert!(!catalog.managed("gcp", ServiceKind::BatchJob, None).unwrap().idle_billed);
    assert!(!catalog.managed("aws", ServiceKind::Endpoint, None).unwrap().is_priced());
    assert!(catalog.managed("azure", ServiceKind::Endpoint, None).is_none());
    for (id, service) in &catalog.services {
        assert!(!service.fact.sources.is_empty(), "{id}");
    }
    let run = &catalog.services["gcp/cloud-run/vCPU, instance-based, tier 2"];
    assert!((run.hourly.unwrap().usd_per_hour() - 0.0000216 * 3600.0).abs() < 1e-12);
}

#[test]
fn overlays_add_and_replace_by_name() {
    let text = r#"
        [[api]]
        provider = "bedrock"
        prices = [{ name = "llama-3.1-8b", model = "meta-llama/Llama-3.1-8B", input = "0.10 USD/Mtok", output = "0.20 USD/Mtok" }]
        [[service]]
        provider = "aws"
        service = "sagemaker"
        item = "real-time endpoint"
        kind = "endpoint"
        premium_percent = 15
    "#;
    let catalog = overlay(text).unwrap();
    let price = catalog.api_price("bedrock/llama-3.1-8b").unwrap();
    assert_eq!((price.input.0, price.model.as_deref()), (Money::from_usd(0.1), Some("llama-3-8b")));
    assert_eq!(catalog.managed("aws", ServiceKind::Endpoint, None).unwrap().premium, Some(0.15));
    assert_eq!(catalog.services.len(), self::catalog().services.len());
}

#[test]
fn overlays_of_rules_storage_and_discounts_hold() {
    use capplan::catalog::EgressKind;
    let text = r#"
        [[rule]]
        provider = "gcp"
        product = "compute-engine"
        granularity = "3600 s"
        [[storage]]
        provider = "gcp"
        product = "gcs-standard"
        kind = "object"
        region = "us-central1"
        capacity = "0.001 USD/GB-month"
        [[discount]]
        provider = "gcp"
        scheme = "ours"
        family = "a2"
        term_years = 1
        percent = 60
        [[egress]]
        provider = "aws"
        kind = "internet"
        price = "0.01 USD/GB"
        [[region]]
        provider = "gcp"
        region = "us-central1"
        grid_gco2eq_per_kwh = 1
    "#;
    let (usual, ours) = (catalog(), overlay(text).unwrap());
    let instance = ours.instance("gcp/a2-highgpu-8g").unwrap();
    let rule = |catalog: &Catalog| catalog.billing_rule(&instance).unwrap().granularity.0;
    assert_eq!((rule(&usual), rule(&ours)), (1.0, 3600.0));
    let storage = |catalog: &Catalog| {
        catalog.storage_product("gcp", "gcs-standard", "us-central1").unwrap().capacity.unwrap().0
    };
    assert!(storage(&usual) > storage(&ours) && storage(&ours) == Money::from_usd(0.001));
    let percent = |catalog: &Catalog| catalog.commitment(&instance, 1.0).unwrap().percent;
    assert_eq!((percent(&usual), percent(&ours)), (37.0, 60.0));
    let tiers = |catalog: &Catalog| {
        let anywhere = |tier: &&capplan::catalog::Egress| {
            let region = tier.region.as_deref().unwrap_or("any");
            (tier.provider.as_str(), tier.kind, region) == ("aws", EgressKind::Internet, "any")
        };
        catalog.egress.iter().filter(anywhere).map(|tier| tier.price).collect::<Vec<Money>>()
    };
    assert!(tiers(&usual).len() > 1, "{:?}", tiers(&usual));
    assert_eq!(tiers(&ours), [Money::from_usd(0.01)]);
    assert_eq!(ours.carbon_region("gcp", "us-central1").unwrap().grams_per_kwh, 1.0);
}

#[test]
fn tpu_slices_are_billed_by_their_own_rule() {
    let catalog = catalog();
    let rule = |id: &str| {
        let rule = catalog.billing_rule(&catalog.instance(id).unwrap()).unwrap();
        (rule.product.clone(), rule.minimum.0)
    };
    assert_eq!(rule("gcp/v5litepod-16"), ("cloud-tpu".to_owned(), 0.0));
    assert_eq!(rule("gcp/a2-highgpu-8g"), ("compute-engine".to_owned(), 60.0));
}

#[test]
fn bad_overlays_are_told_with_their_place() {
    let api = |entry: &str| format!("[[api]]\nprovider = \"mine\"\nprices = [\n{{ {entry} }},\n]\n");
    let good = r#"name = "a", input = "1 USD/Mtok", output = "2 USD/Mtok""#;
    overlay(&api(good)).unwrap();
    let cases = [
        (api(r#"name = "a", input = "1 USD/h", output = "2 USD/Mtok""#), 5, "not a unit of price per million"),
        (api(r#"name = "a", input = "-1 USD/Mtok", output = "2 USD/Mtok""#), 5, "input"),
        (api(r#"name = "a", input = "1e308 USD/Mtok", output = "2 USD/Mtok""#), 5, "input"),
        (api(r#"name = "a", input = "1 USD/Mtok""#), 5, "lacks `output`"),
        (api(&format!("{good}, cache_read = \"1.5 USD/Mtok\"")), 5, "costs more than `input`"),
        (api(&format!("{good}, model = \"llama-3-8bb\"")), 5, "did you mean `llama-3-8b`?"),
        ("[[service]]\nprovider = \"x\"\nservice = \"y\"\nitem = \"z\"\nkind = \"endpiont\"".to_owned(), 6, "endpoint"),
        (
            "[[service]]\nprovider = \"x\"\nservice = \"y\"\nitem = \"z\"\nkind = \"endpoint\"\nhourly = \"1 USD/h\"".to_owned(),
            7,
            "add `per`",
        ),
        (
            "[[service]]\nprovider = \"x\"\nservice = \"y\"\nitem = \"z\"\nkind = \"endpoint\"\naccelerator = \"H10\"".to_owned(),
            7,
            "unknown accelerator `H10`",
        ),
    ];
    for (text, line, words) in cases {
        let told = fault(&text);
        assert!(told.contains(&format!("mine.toml:{line}:")) && told.contains(words), "{told}\n{text}");
    }
}
