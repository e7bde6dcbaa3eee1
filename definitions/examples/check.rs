fn main(){ let files=vorgang_definitions::model::read_folder(std::path::Path::new(&std::env::args().nth(1).unwrap())).unwrap();
 let t=std::time::Instant::now(); let l=vorgang_definitions::model::load(&files,&[]); eprintln!("{:?}",t.elapsed());
 print!("{}",vorgang_definitions::diagnostic::render_human(&l.sources,&l.diagnostics,false)); println!("{}", l.model.is_some()); }
