fn main(){ let files=vorgang_definitions::model::read_folder(std::path::Path::new(&std::env::args().nth(1).unwrap())).unwrap();
 let l=vorgang_definitions::model::load(&files,&[]); let m=l.model.unwrap();
 for t in &m.tests { let r=vorgang_core::story::play(&m,t); println!("{} {}", r.name, if r.failures.is_empty(){"ok"}else{"FAILED"}); if !r.failures.is_empty(){ for (s,f) in &r.failures{ println!("  {:?} {f}", l.sources.line_column(*s)); } for x in &r.log{println!("    {x}");} } } }
