class Config(dict):
    def parse_config(self, options):
        self.update(http_port="8069", db_name=None, data_dir="/data/odoo")
        names = {"--http-port": "http_port", "--database": "db_name", "--data-dir": "data_dir"}
        for option in options:
            name, _, value = option.partition("=")
            if name in names:
                self[names[name]] = value


config = Config()
